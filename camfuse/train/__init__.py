"""The three-stage recipe: the RGB stream alone, the pose stream alone, both merged and fine-tuned with ST-CAF.

`train` leaves in its output folder:

best.ckpt         the best epoch's weights with all that prediction needs (`Checkpoint`), written at the very end
summary.json      which epoch, its numbers, seconds, versions
curves.csv        one row per epoch, split and head: loss, top1; on train rows also rate and grad_norm
last.ckpt         the state after each epoch and every `machine.save_steps`: a stopped training resumes from it
before_last.ckpt  the state before that one, which is taken if it is damaged; gone when the training has ended
best_so_far.ckpt  the best epoch's state until now; belongs to last.ckpt
logs/             the same numbers for TensorBoard and as Lightning's CSV
"""

from camfuse.train.run import train

__all__ = ["train"]
