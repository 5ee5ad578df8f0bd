# seen: zhuyuedlut/extract_QA_with_prefix_finetuning src/utils.py
# model: bert
# read: model
import torch.nn as nn

def freeze_params(model: nn.Module):
    """Set requires_grad=False for each of model.parameters()"""
    for par in model.parameters():
        par.requires_grad = False

freeze_params(model.bert.embeddings)
freeze_params(model.bert.encoder.layer[:4])
