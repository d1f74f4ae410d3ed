
# Snakemake leaves out what it runs by itself after `conda env create`.
COPY envs/data.post-deploy.sh /conda-envs/
RUN conda run --prefix "$(dirname "$(grep -l opencv-python-headless /conda-envs/*/environment.yaml)")" \
    sh /conda-envs/data.post-deploy.sh
