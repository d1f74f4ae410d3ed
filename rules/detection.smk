# What the rules of detectors ask.


def detection_files(wildcards):
    """Where the images and the annotations that a detector is measured on lie, or are downloaded to."""
    files, known = (getattr(study.detections, get)(wildcards.detection) for get in ("own_files", "known_dataset"))
    if files is None:
        paths = [RAW.format(dataset=known.name, file=source.file) for source in known.sources]
        files = DetectionFiles(*paths, known.annotation_file)
    return files


def detection_images(wildcards):
    """The images and the annotations, as inputs; a folder's content is a parameter."""
    files = detection_files(wildcards)
    images = ancient(files.images) if Path(files.images).is_dir() else files.images
    return {"images": images, "annotations": files.annotations}


def detector_files(wildcards):
    """The file of a detector's weights, or what was downloaded."""
    downloaded = study.detections.checkpoint(wildcards.detection)
    if downloaded is None:
        return {"file": str(Path(study.detections.source(wildcards.detection)["path"]).expanduser())}
    return {
        "record": DOWNLOAD.format(checkpoint=downloaded),
        "files": ancient(DOWNLOADED.format(checkpoint=downloaded)),
    }


def detection_data(wildcards):
    """What fixes the images and objects beside the content of files: the member of an archive, a folder's files."""
    files, known = detection_files(wildcards), study.detections.known_dataset(wildcards.detection)
    folder = state_of_images(files.images, "arrays") if Path(files.images).is_dir() else None
    return {"member": files.member, "folder": folder, "known": known and known.name}


def detection_spec(wildcards):
    """Everything else that fixes what is found."""
    return study.detections.spec(DetectionRun(wildcards.detection))
