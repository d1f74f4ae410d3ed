import logging
from types import SimpleNamespace

import pytest
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from filterfreq.runtime.messages import JobNames, job_name

RUN = {"dataset": "texdigits", "model": "resnet_8_8", "variant": "dct-penalty", "seed": "1"}


@pytest.fixture
def said(caplog):
    """Log through the filter, and return what is written, in Snakemake's own form."""
    logger = logging.getLogger("test_messages")
    logger.setLevel(logging.INFO)
    jobs = [SimpleNamespace(jobid=5, wildcards=RUN), SimpleNamespace(jobid=6, wildcards={})]
    names = JobNames(lambda: jobs)
    logger.addFilter(names)

    def log(level: int, message: str, **extra) -> list[str]:
        caplog.clear()
        logger.log(level, message, extra=extra)
        return [DefaultFormatter().format(record) for record in caplog.records]

    yield log
    logger.removeFilter(names)


def test_a_finished_job_is_named(said):
    (line,) = said(logging.INFO, "Finished jobid: 5 (Rule: train)", event=LogEvent.JOB_FINISHED, job_id=5)
    assert line.endswith("\nFinished jobid: 5 (Rule: train): texdigits/resnet_8_8/dct-penalty/seed-1")


@pytest.mark.parametrize("job_id", [6, 7])
def test_a_job_of_nothing_keeps_its_line(said, job_id):
    (line,) = said(logging.INFO, "Finished jobid: 6 (Rule: all)", event=LogEvent.JOB_FINISHED, job_id=job_id)
    assert line.endswith("\nFinished jobid: 6 (Rule: all)")


def test_only_the_lines_on_loaded_scripts_go(said):
    assert said(logging.INFO, "Loading script code for rule train") == []
    assert said(logging.INFO, "Report created.") == ["Report created."]
    for message in ("Loading script code for rule train failed", "the disk is full"):
        assert said(logging.ERROR, message) == [message]


def test_names_are_those_of_paths():
    assert job_name({"experiment": "demo", "dataset": "texdigits", "name": "main"}) == "demo/texdigits/main"
