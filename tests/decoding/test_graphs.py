"""Recording: nothing in Python's garbage may spoil it."""

import gc

import pytest
import torch

from cxr_demo.decoding import graphs


@pytest.mark.parametrize("was", [True, False])
def test_nothing_is_collected_while_a_graph_is_recorded(was):
    (gc.enable if was else gc.disable)()
    try:
        with pytest.raises(ValueError, match="left"), graphs._nothing_collected():
            assert not gc.isenabled()
            raise ValueError("left")
        assert gc.isenabled() == was
    finally:
        gc.enable()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="NO NVIDIA GPU HERE: nothing is recorded")
def test_an_older_graph_in_the_garbage_does_not_spoil_a_recording():
    device = torch.device("cuda", 0)
    values = torch.ones(4, device=device)
    pool = graphs.pool(device)
    older = [graphs.record(lambda: values.add_(0), device, pool)]
    older.append(older)  # only the collector can free it
    del older
    limits = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        graph = graphs.record(
            lambda: [values.mul_(2), [[each] for each in range(1000)]], device, pool
        )
    finally:
        gc.set_threshold(*limits)
    before = values.clone()
    graph.replay()
    assert torch.equal(values, before * 2)
