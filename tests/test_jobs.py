"""Jobs run again and again, outlive their faults, and stop when told."""

import threading

from bot.jobs import Job, Jobs


def test_a_job_goes_on_after_a_fault_and_stops() -> None:
    ran, third = [], threading.Event()

    def work() -> None:
        ran.append(len(ran))
        if len(ran) == 1:
            raise RuntimeError
        if len(ran) == 3:
            third.set()

    jobs = Jobs([Job("test", 0.001, work)])
    jobs.start()
    assert third.wait(5)
    jobs.stop()
    count = len(ran)
    assert not any(thread.name == "test" for thread in threading.enumerate())
    assert len(ran) == count
