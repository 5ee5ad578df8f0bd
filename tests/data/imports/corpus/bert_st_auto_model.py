# seen: sentence-transformers: freeze all but the last layers of auto_model
# model: bertbase
# read: model[0].auto_model
from sentence_transformers import SentenceTransformer
model = SentenceTransformer("bert-base-uncased")
auto_model = model._first_module().auto_model
for name, param in auto_model.named_parameters():
    if "layer.10" in name or "layer.11" in name:
        continue
    param.requires_grad = False
