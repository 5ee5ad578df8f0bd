# seen: ours
# model: bertbase
# read: encoder
from transformers import AutoModel
encoder = AutoModel.from_pretrained("bert-base-uncased")
wanted = {n for n, _ in encoder.named_parameters() if n.startswith("encoder.layer.11")} | {
    n for n, _ in encoder.named_parameters() if "pooler" in n}
for n, p in encoder.named_parameters():
    p.requires_grad = n in wanted
