"""The ring of keys: order, wrapping, memory."""

import pytest
import torch

from mixednoise.methods.contrastive.keys import KeyQueue


def numbered(start, n):
    return torch.arange(start, start + n).float()[:, None], torch.arange(start, start + n)


@pytest.mark.parametrize("batch", [1, 3, 4, 10, 13], ids=str)
def test_oldest_out_first_also_where_batches_do_not_divide_the_capacity(batch):
    queue, pushed = KeyQueue(10), 0
    while pushed < 35:
        queue.push(*numbered(pushed, batch))
        pushed += batch
        keys, numbers = queue.oldest_first()
        newest = list(range(max(0, pushed - 10), pushed))
        assert numbers.tolist() == newest
        assert keys[:, 0].tolist() == newest
        assert queue.count == len(newest)
        assert sorted(queue.rows()[1].tolist()) == newest


def test_nothing_is_there_before_the_first_push_and_with_no_capacity():
    queue = KeyQueue(0)
    assert queue.rows() == []
    queue.push(*numbered(0, 3))
    assert queue.rows() == []


def test_rows_carry_no_gradient_and_are_copies():
    queue, source = KeyQueue(4), torch.ones(2, 3, requires_grad=True)
    queue.push(source * 2)
    assert not queue.rows()[0].requires_grad
    with torch.no_grad():
        source.zero_()
    assert (queue.rows()[0] == 2).all()


def test_state_can_be_kept():
    queue, copy = KeyQueue(5), KeyQueue(5)
    for start in (0, 4):
        queue.push(*numbered(start, 4))
    copy.load_state_dict(queue.state_dict())
    for q in (queue, copy):
        q.push(*numbered(8, 2))
    assert [r.tolist() for r in copy.oldest_first()] == [r.tolist() for r in queue.oldest_first()]
