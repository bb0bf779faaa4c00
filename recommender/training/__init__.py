"""Fine-tune a network on the shop's catalogue: ``manage.py train_embedder``, docs/training.md."""

from __future__ import annotations

import os

# Set here, because TensorFlow reads these variables when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
