"""Measure how well a detector has found objects, and on which images it finds them better on a component."""

import numpy as np

from filterfreq.data.annotations import ObjectImages, first_images, read_annotations
from filterfreq.evaluation.detection.examples import gather_examples
from filterfreq.evaluation.detection.parts import read_arrays
from filterfreq.evaluation.detection.registry import passes
from filterfreq.evaluation.detection.scoring import better_images, score
from filterfreq.evaluation.results import write_results
from filterfreq.runtime.files import replacing, replacing_with_checksum
from filterfreq.runtime.jobs import job

with job(snakemake):
    spec, settings = snakemake.params.spec, snakemake.params.spec["settings"]
    annotations = read_annotations(snakemake.input.annotations, snakemake.params.data["member"])
    annotations = first_images(annotations, spec["images"])
    detections = read_arrays(snakemake.input.detections)
    rows, image_map = score(annotations, detections, settings)
    run = {"dataset": spec["run"]["dataset"], "model": spec["run"]["detector"], "seed": 0}
    write_results(snakemake.output.results, {**run, "variant": spec["run"]["detection"]}, "detection", rows)
    with replacing(snakemake.output.better) as temporary:
        better_images(annotations, image_map, passes(settings["components"])[1:]).to_csv(temporary, index=False)
    images = ObjectImages(snakemake.input.images, [image["file_name"] for image in annotations["images"]])
    with replacing_with_checksum(snakemake.output.examples) as temporary, open(temporary, "wb") as file:
        np.savez(file, **gather_examples(annotations, images, detections, image_map, settings))
