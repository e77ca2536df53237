"""How a run starts: build the net, give it initial weights, feed it to the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shizi.charset import Charset
from shizi.errors import DataError, WeightsError
from shizi.extras import keras_needed
from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
)
from shizi.nets.torch import build
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.train.card import RunCard
from shizi.train.even import even_out
from shizi.train.grow import choose_charset
from shizi.train.init import FromProject, Init, initial, initialise
from shizi.train.loop.range_test import find_rate
from shizi.train.loop.ranks import present
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import Task, fit
from shizi.train.options import (
    CRNNInitOptions,
    CRNNOptions,
    CTPNOptions,
    InitOptions,
    OrientationTrainOptions,
)
from shizi.train.prune import pruned_spec
from shizi.train.tasks.crnn import CRNNTask
from shizi.train.tasks.ctpn import CTPNTask
from shizi.train.tasks.orientation import OrientationTask
from shizi.train.tasks.slim import SlimTask
from shizi.train.tasks.tune import TuneTask, hold
from shizi.train.transfer import adopt_classifier, check_backbone
from shizi.weights import Network

_LOG = logging.getLogger("shizi.train")


def train_crnn(options: CRNNOptions, loop: LoopOptions, told: CRNNInitOptions) -> dict[str, float]:
    """Train the recogniser; return its best figures."""
    train = trainer(loop)
    if told.hidden is not None and options.stage != "slim":
        raise DataError("hidden says what stage slim keeps; another stage prunes nothing")
    if options.replay and options.stage != "tune":
        raise DataError("replay is what stage tune goes on reading; another stage has none")
    if options.stage in ("slim", "tune") and loop.framework != "torch":
        raise DataError(f"stage {options.stage} trains in PyTorch alone; leave the framework out")
    init = initial(told.init, "crnn", told.net)
    if isinstance(init, FromProject) and init.charset is None and told.charset in (None, "data"):
        raise WeightsError(
            f"{init.path} does not say which characters it knows; name a charset file that lists "
            "them in the order of their training"
        )
    run = loop.out if loop.resume else None
    charset = choose_charset(told.charset, options, run, init.charset)
    torch.manual_seed(loop.seed)
    spec = crnn_spec(told, init, len(charset))
    net = CRNN(spec) if isinstance(spec, CRNNSpec) else VGGCRNN(spec)
    if options.val_squeeze is None:
        options = replace(options, val_squeeze=init.squeeze)
    initialise(net, init, charset)
    if options.keeps_features and isinstance(net, CRNN):
        check_backbone(net)
        hold(net.classify, adopt_classifier(net.classify, charset))
    tell_unvalidated(options.val)
    card = RunCard("crnn", spec, charset, options.read_at, init.told)
    if options.stage == "slim":
        return _train_slim(net, options, loop, told.hidden, card)
    task = _crnn_task(net, charset, options, init)
    card.write(loop.out)
    loop = paced(loop, init, options.stage == "tune")
    if isinstance(task, TuneTask) and not loop.find_lr:
        return fit(task, loop, judge_first=True, settle=task.between)
    _ready(task, init, loop)
    return train(task, loop)


def _train_slim(
    whole: CRNN | VGGCRNN,
    options: CRNNOptions,
    loop: LoopOptions,
    hidden: float | None,
    card: RunCard,
) -> dict[str, float]:
    """Train a net like ``whole`` with fewer hidden channels; return its best figures.

    Args:
        whole: the net to learn from.
        options: of the data.
        loop: how it is trained.
        hidden: share of the hidden channels that stays.
        card: of ``whole``.
    """
    if not isinstance(whole, CRNN) or not 0 < (hidden or 0) < 1:
        raise DataError(
            "stage slim prunes the default net; say which share of its channels stays, as 0.5"
        )
    assert hidden is not None and card.charset is not None
    net = CRNN(replace(whole.spec, backbone=pruned_spec(whole.spec.backbone, hidden)))
    task = SlimTask(net, whole, card.charset, options)
    told = f"channels dropped from {card.initial}"
    replace(card, spec=net.spec, initial=told).write(loop.out)
    if loop.find_lr:
        return find_rate(task, loop)
    return fit(task, replace(loop, backbone_lr=loop.backbone_lr or 1.0), judge_first=True)


def _crnn_task(
    net: CRNN | VGGCRNN, charset: Charset, options: CRNNOptions, init: Init
) -> CRNNTask | TuneTask:
    if options.stage != "tune":
        return CRNNTask(net, charset, options, fresh=not init.learnt)
    if init.charset is None:
        raise DataError("stage tune goes on from weights that read: name shipped ones or a run")
    return TuneTask(net, charset, options, len(init.charset))


def train_ctpn(options: CTPNOptions, loop: LoopOptions, told: InitOptions) -> dict[str, float]:
    """Train the detector; return its best figures."""
    default = CTPNSpec() if told.net == "lcnet" else VGGCTPNSpec()
    return _train("ctpn", default, CTPNTask, options, loop, told)


def train_orientation(
    options: OrientationTrainOptions, loop: LoopOptions, told: InitOptions
) -> dict[str, float]:
    """Train the orientation classifier; return its best figures."""
    default = OrientationSpec() if told.net == "lcnet" else VGGOrientationSpec()
    return _train("orientation", default, OrientationTask, options, loop, told)


def _train(
    network: Network,
    default: Spec,
    kind: Callable[[Any, Any], Task],
    options: CTPNOptions | OrientationTrainOptions,
    loop: LoopOptions,
    told: InitOptions,
) -> dict[str, float]:
    """Train a net that has no charset; return its best figures.

    Args:
        network: which.
        default: what it is made of where its initial weights leave that open.
        kind: makes its task of the net and the options.
        options: of the data.
        loop: how it is trained.
        told: how it begins.
    """
    train = trainer(loop)
    init = initial(told.init, network, told.net)
    if options.stage == "head" and (loop.framework != "torch" or not init.learnt):
        raise DataError("stage head trains in PyTorch alone, and goes on from learnt weights")
    torch.manual_seed(loop.seed)
    spec = init.spec or default
    net = build(spec)
    initialise(net, init)
    task = kind(net, options)
    tell_unvalidated(options.val)
    RunCard(network, spec, initial=init.told).write(loop.out)
    _ready(task, init, loop)
    return train(task, paced(loop, init))


def _ready(task: Task, init: Init, loop: LoopOptions) -> None:
    """Make the convolutions that begin with random numbers fit the data."""
    if init.whole:
        return
    layers = [
        layer
        for name, layer in task.net.named_modules()
        if isinstance(layer, nn.Conv2d) and not (init.learnt and name.startswith("backbone."))
    ]
    if layers:
        with closing(batches(task, loop.seed)) as stream:  # the same in every process
            even_out(task.net, layers, next(stream)[0].images)


def trainer(loop: LoopOptions) -> Callable[[Any, LoopOptions], dict[str, float]]:
    """Return what trains as is asked for, or looks for a rate; before any data are read.

    Raises:
        OptionError: it cannot use the device, or Keras has no such backend.
        MissingExtraError: Keras is not installed.
    """
    if loop.framework == "torch" or loop.find_lr:
        present(loop.device)
        return find_rate if loop.find_lr else fit
    with keras_needed("training in Keras"):
        from shizi.train.loop.keras import device, train_keras
    device(loop.device)
    return train_keras


def tell_unvalidated(val: tuple[Path, ...]) -> None:
    """Warn where nothing will tell which weights are best."""
    if not val:
        _LOG.warning("there is nothing to validate on: the last weights are kept, good or bad")


def crnn_spec(told: CRNNInitOptions, init: Init, classes: int) -> CRNNSpec | VGGCRNNSpec:
    """Return what a recogniser is made of: as its first weights are, or else as it is told.

    Raises:
        DataError: the default form is to have another size.
        WeightsError: the weights are of another size than is told.
    """
    if told.net == "lcnet" and (told.rnn == "lstm" or told.width not in (None, 1)):
        raise DataError("the lcnet form has a GRU of one size; rnn and width are for vgg")
    if told.net == "vgg" and told.step:
        raise DataError("the vgg form has time steps of one width; step is for lcnet")
    known = init.spec
    asked = _asked(told, classes)
    if known is None:
        return asked
    assert isinstance(known, CRNNSpec | VGGCRNNSpec)  # as initial() saw to
    if isinstance(known, VGGCRNNSpec) and isinstance(asked, VGGCRNNSpec):
        rnn = told.rnn or known.rnn
        size = (known if told.width is None else asked).widths
        if (rnn, size) != (known.rnn, known.widths):
            raise WeightsError("the initial weights have another rnn or width; leave both out")
    if isinstance(known, CRNNSpec):
        known = replace(known, step=told.step or known.step)
    return replace(known, classes=classes)


def _asked(told: CRNNInitOptions, classes: int) -> CRNNSpec | VGGCRNNSpec:
    if told.net == "lcnet":
        return CRNNSpec(classes=classes, step=told.step or CRNNSpec.step)
    full, share = VGGCRNNSpec(classes=classes, rnn=told.rnn or "lstm"), told.width or 1.0
    widths = tuple(max(8, round(w * share)) for w in full.widths)
    return replace(full, widths=widths, hidden=max(8, round(full.hidden * share)))


NEW_ROWS = 10.0
"""Share of the learning rate of a classifier of which only new rows learn.

They have a long way to go, and nothing that is known moves with them.
"""


def paced(loop: LoopOptions, init: Init, tune: bool = False) -> LoopOptions:
    """Settle the shares of the learning rate that are left open.

    A backbone that has learnt before moves less; the classifier of a net that is tuned, more.
    """
    if loop.backbone_lr is None:
        loop = replace(loop, backbone_lr=0.2 if init.learnt else 1.0)
    if loop.classifier_lr is None:
        loop = replace(loop, classifier_lr=NEW_ROWS if tune else 1.0)
    return loop
