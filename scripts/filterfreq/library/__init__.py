"""What others use of this project without its workflow: functions on any `nn.Module` and on images in [0, 1].

`import filterfreq` offers each of them under its own name, and loads torch with the first one.
"""
