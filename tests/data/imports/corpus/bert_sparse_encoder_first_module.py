# seen: UKPLab/sentence-transformers examples/sparse_encoder/training/retrievers/train_csr_nq.py
# model: bertbase
# read: model[0].auto_model
from sentence_transformers import SparseEncoder

model = SparseEncoder("bert-base-uncased")
model[0].requires_grad_(False)
