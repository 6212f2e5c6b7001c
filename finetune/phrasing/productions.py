"""The sentences of the phrasing grammar: for each shape of question, the ways people put it.

The first character is the mood: `?` a question, `!` an instruction, `~` a noun phrase. Slots are in braces; `{tail}`
says where filters and period go when they do not go last. Written in the plain words of people at work, in as many
registers as we could think of, because a shape that is missing here is a question the model has never heard.
"""

from __future__ import annotations

from finetune.phrasing.productions_groups import GROUP_PRODUCTIONS
from finetune.phrasing.productions_metrics import METRIC_PRODUCTIONS
from finetune.phrasing.productions_periods import PERIOD_PRODUCTIONS
from finetune.phrasing.productions_records import RECORD_PRODUCTIONS
from finetune.phrasing.productions_tables import TABLE_PRODUCTIONS

__all__ = ["PRODUCTIONS"]

PRODUCTIONS: dict[str, tuple[str, ...]] = {
    **METRIC_PRODUCTIONS,
    **GROUP_PRODUCTIONS,
    **PERIOD_PRODUCTIONS,
    **TABLE_PRODUCTIONS,
    **RECORD_PRODUCTIONS,
}
