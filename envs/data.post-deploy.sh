#!/bin/sh
# imagecorruptions-imaug asks for opencv-python, which excluded.in leaves out. conda's pip can leave out nothing in
# particular, so that this one package comes without what it asks for; its pictures of frost are all that jobs use.
set -eu
python -m pip install --no-deps imagecorruptions-imaug==1.1.5
