"""Jobs that are killed or asked to stop go on where they were, and end with the same bytes."""

import json
import os
import re
import signal
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

RUN = "results/runs/texdigits/resnet_8_2/dct-penalty/seed-0"
RECORD = f"{RUN}/run.json"
EPOCHS = 4


def published(project) -> dict[str, bytes]:
    """The outputs of the training that are there."""
    folder = project.folder / RUN
    return {
        name: (folder / name).read_bytes()
        for name in ("model.safetensors", "history.csv", "run.json")
        if (folder / name).exists()
    }


@pytest.fixture(scope="module")
def story(shared_project):
    """One training, disturbed again and again, after the same without disturbance."""
    project = shared_project
    project.edit("tiny.yaml", "epochs: 1", f"epochs: {EPOCHS}")
    outcome = project.snakemake(RECORD)
    assert outcome.returncode == 0, outcome.stderr
    story = SimpleNamespace(project=project, expected=published(project))
    (project.folder / RECORD).unlink()
    project.hold_trainings(1, 2, 3)

    with project.started(RECORD, "--retries", "1", until="epoch 1/4") as started:
        (script,) = started.scripts()
        story.second = project.snakemake(RECORD)
        script.kill()
        started.wait("Trying to restart")
        started.wait("  loss ")
        (script,) = started.scripts()
        script.terminate()
        story.killed_status = started.end()
    story.killed, story.after_kill = started.said, published(project)

    with project.started(RECORD, until="goes on after") as started:
        os.killpg(started.process.pid, signal.SIGINT)
        story.interrupted_status = started.end()
    story.interrupted, story.after_interrupt = started.said, published(project)

    log = project.folder / "results/logs/train/texdigits/resnet_8_2/dct-penalty/seed-0.log"
    process, terminal = project.started_in_terminal(RECORD, until="goes on after")
    os.close(terminal)
    story.hung_up_status = process.wait(300)
    story.hung_up, story.after_hangup = log.read_text(), published(project)

    with project.started(RECORD, until="goes on after") as started:
        started.wait("  loss ")
        started.process.kill()
        started.end()
    story.orphaned, story.after_orphan = started.said, published(project)
    story.locked = project.snakemake(RECORD)
    assert project.snakemake("--unlock").returncode == 0

    project.release(1, 2, 3)
    story.last = project.snakemake(RECORD, "--rerun-incomplete")
    story.published = published(project)
    return story


def epochs(said: str) -> list[int]:
    """The epochs that were finished."""
    return [int(number) for number in re.findall(rf"epoch (\d)/{EPOCHS}  loss", said)]


def kept(said: str) -> str:
    """Where a stopped training said that it is kept."""
    return re.search(r"is kept (after epoch .*) and goes on from there when run again", said)[1]


def test_a_killed_training_goes_on_after_its_last_epoch(story):
    before, after = story.killed.split("Trying to restart")
    done = epochs(before)[-1]
    assert f"goes on after epoch {done}\n" in after
    assert epochs(after)[0] == done + 1


def test_a_training_that_is_asked_to_stop_goes_on_with_the_next_batch(story):
    assert story.killed_status == 1
    assert f"goes on {kept(story.killed)}\n" in story.interrupted


def test_ctrl_c_stops_a_training_between_two_batches(story):
    assert story.interrupted_status == 1
    assert f"goes on {kept(story.interrupted)}\n" in story.hung_up
    assert "Traceback" not in story.interrupted


def test_a_closed_terminal_stops_a_training_between_two_batches_and_leaves_no_lock(story):
    # 120 is Python's, where it has something left to say and no terminal to say it to.
    assert story.hung_up_status in (1, 120)
    # The next one was not refused for a lock.
    assert f"goes on {kept(story.hung_up)}\n" in story.orphaned
    assert "Traceback" not in story.hung_up


def test_a_training_ends_with_a_killed_snakemake(story):
    assert f"goes on {kept(story.orphaned)}\n" in story.last.stderr
    assert "cannot be locked" in story.locked.stdout + story.locked.stderr


def test_a_second_snakemake_is_refused(story):
    assert story.second.returncode == 1
    assert "Please make sure that no other Snakemake process" in story.second.stdout + story.second.stderr


def test_nothing_is_published_before_the_end(story):
    assert story.after_kill == story.after_interrupt == story.after_hangup == story.after_orphan == {}


def test_the_end_is_that_of_an_undisturbed_training(story):
    assert story.last.returncode == 0, story.last.stderr
    # Every epoch was finished once.
    every = "".join((story.killed, story.interrupted, story.hung_up, story.orphaned, story.last.stderr))
    assert epochs(every) == [*range(1, EPOCHS + 1)]
    assert story.published["model.safetensors"] == story.expected["model.safetensors"]
    assert story.published["history.csv"] == story.expected["history.csv"]
    events = EventAccumulator(str(story.project.folder / RUN / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("test_accuracy")] == [1, 2, 3, 4]
    # What the kill left half written has gone too.
    assert not list((story.project.folder / RUN).rglob(".*.part*"))


def test_two_processes_train_one_run_and_keep_their_state(project):
    project.edit("tiny.yaml", "epochs: 1", "epochs: 3")
    project.edit("tiny.yaml", "train: {threads: 1,", "train: {threads: 2, processes: 2,")
    project.hold_trainings(1)
    with project.started("--cores", "2", RECORD, until="epoch 1/3") as started:
        next(one for one in started.scripts() if one.cmdline()[-1].endswith("train.py")).terminate()
        assert started.end() == 1
    outcome = project.snakemake(RECORD)
    assert outcome.returncode == 0, outcome.stderr
    assert f"goes on {kept(started.said)}\n" in outcome.stderr
    assert json.loads((project.folder / RECORD).read_text())["provenance"]["processes"] == 2
    project.edit("tiny.yaml", "processes: 2,", "processes: 2, nodes: 2,")
    plan = project.snakemake(RECORD, "--dry-run", "--quiet", "host", "--forcerun", "train")
    assert "nodes=2, tasks=2, mpi=srun" in plan.stdout + plan.stderr
