"""FEFO in SQL: the order in which the batches of a level leave."""

from sqlalchemy import and_

from app.db.tables import Batch, BatchLevel

B, H = Batch.__table__.c, BatchLevel.__table__.c
BATCH_OF = and_(B.tenant_id == H.tenant_id, B.id == H.batch_id)
"""The batch of a batch level."""
FEFO = H.expires_on, B.received_at, H.batch_id
"""By the last day of sale; for the same day, by the time of receipt."""
