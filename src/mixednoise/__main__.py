"""``python -m mixednoise``, for ``torchrun -m``."""

from mixednoise.cli import main

if __name__ == "__main__":
    main()
