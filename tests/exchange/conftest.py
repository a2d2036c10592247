"""Audits that tests only read; whoever writes makes one of its own."""

from __future__ import annotations

import pytest
from exchange_helpers import decided_audit, decided_masks

from mixednoise.audit.folder import AuditFolder


@pytest.fixture(scope="session")
def audit(tmp_path_factory) -> AuditFolder:
    """Labels, with decisions."""
    return decided_audit(tmp_path_factory.mktemp("exchange") / "labels")


@pytest.fixture(scope="session")
def masks(tmp_path_factory) -> AuditFolder:
    """Masks, with decisions."""
    return decided_masks(tmp_path_factory.mktemp("exchange") / "masks")
