"""One entry for audits of image labels and of masks."""

from __future__ import annotations

from mixednoise.audit.folder import AuditFolder, Manifest


def write_report(folder: AuditFolder, manifest: Manifest) -> None:
    """Write ``report.html`` of an audit; an earlier one is replaced.

    The page is one file, opens offline, may load nothing, and stays below 20 MB whatever the
    number of images. Pieces that the audit lacks are left out of it; an image that can't be read
    leaves a note in its place.

    Args:
        folder: of the audit: its tables are there, the manifest need not be.
        manifest: what was audited.

    Raises:
        RunError: the table of the audit is missing or damaged.
        TrainingError: the disk is full or the folder can't be written.
    """
    if manifest.kind == "segmentation":
        from mixednoise.audit.report.masks import write_masks_report

        write_masks_report(folder, manifest)
        return
    from mixednoise.audit.report.inputs import read_input
    from mixednoise.audit.report.page import write_labels_report

    write_labels_report(read_input(folder, manifest), folder.report)
