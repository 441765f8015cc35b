"""Recording: nothing in Python's garbage may spoil it."""

import gc

import pytest
import torch

from cxr_demo.decoding import graphs

NEEDS_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NO NVIDIA GPU HERE: nothing is recorded"
)


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


@NEEDS_GPU
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


@NEEDS_GPU
def test_the_space_of_products_is_taken_once_and_lies_in_the_pool():
    device = torch.device("cuda", 0)
    a, b, out = (torch.randn(256, 256, device=device) for _ in range(3))
    expected = a @ b  # cuBLAS has its space on this stream from here on
    graphs.give_back(device)
    before, pool = torch.cuda.memory_allocated(device), graphs.pool(device)
    a @ b
    space = torch.cuda.memory_allocated(device) - before
    assert space > 2**20

    def run() -> None:
        torch.mm(a, b, out=out)

    recorded = [graphs.record(run, device, pool)]
    assert torch.cuda.memory_allocated(device) - before < 2**16  # of random numbers, not a space
    reserved = torch.cuda.memory_reserved(device)
    recorded.append(graphs.record(run, device, pool))
    assert torch.cuda.memory_reserved(device) == reserved  # the second one found the first one's
    for graph in recorded:
        out.zero_()
        graph.replay()
        torch.testing.assert_close(out, expected)
