"""Detection of objects in whole images and in their low- and high-frequency components.

Wang, Wu, Huang, Xing, High-Frequency Component Helps Explain the Generalization of Convolutional Neural Networks, CVPR
2020, section 7.
"""
