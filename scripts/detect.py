"""Have a detector find objects on images and on their components, from where it was if it was interrupted."""

from pathlib import Path

from filterfreq.data.annotations import ObjectImages, first_images, read_annotations
from filterfreq.evaluation.detection.inputs import verify_inputs
from filterfreq.evaluation.detection.job import DetectionJob, detect
from filterfreq.models.detectors import load_detector
from filterfreq.models.device import describe_device, is_deterministic, peak_memory_mb, use_device
from filterfreq.runtime.files import write_json
from filterfreq.runtime.jobs import job, stop_requests
from filterfreq.runtime.provenance import environment

with job(snakemake) as logger:
    inputs, spec, data = dict(snakemake.input.items()), snakemake.params.spec, snakemake.params.data
    compute, code, record = snakemake.config["compute"], snakemake.params.code, Path(snakemake.output.record)
    device = use_device(compute, snakemake.threads)
    files = verify_inputs(inputs, data["known"])
    annotations = first_images(read_annotations(inputs["annotations"], data["member"]), spec["images"])
    images = ObjectImages(inputs["images"], [image["file_name"] for image in annotations["images"]])
    folder = Path(inputs["files"]) if "files" in inputs else None
    detector, weights = load_detector(spec["run"]["detector"], spec["source"], folder)
    found = detect(
        DetectionJob(
            detector=detector,
            settings=spec["settings"],
            annotations=annotations,
            images=images,
            device=device,
            fingerprint=[spec, data, files, code, device.type, snakemake.threads],
            parts=record.with_name("detections.parts"),
            stop=stop_requests(),
            announce=logger.info,
        )
    )
    found.save(snakemake.output.detections)
    provenance = {
        **environment("torchvision"),
        "code": code,
        "device": describe_device(device),
        "deterministic": is_deterministic(compute, device),
        "peak_memory_mb": round(peak_memory_mb(device), 1),
        "files": files,
        "weights": weights,
    }
    write_json(record, {**spec, "images_done": len(annotations["images"]), "provenance": provenance})
    found.remove()
