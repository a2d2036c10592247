"""From decisions to a corrected data set: what becomes of each sample, and the files that say so.

:mod:`.plan` decides per sample, :mod:`.source` makes sure that the data are those of the audit,
:mod:`.labels`, :mod:`.arrays` and :mod:`.masks` write, :mod:`.undo` and :mod:`.restore` go back.
"""
