# seen: Hugging Face forum: modules = [model.embeddings, *model.encoder.layer[:5]]
# model: bertbase
# read: model
from transformers import BertModel
model = BertModel.from_pretrained("bert-base-uncased")
modules = [model.embeddings, *model.encoder.layer[:5]]
for module in modules:
    for param in module.parameters():
        param.requires_grad = False
