# seen: bubbliiiing/classification-pytorch train.py
# model: timm:resnet18
# read: model
import timm

Init_Epoch = 0
Freeze_Epoch = 50
UnFreeze_Epoch = 200
model = timm.create_model('resnet18')
for param in model.parameters():
    param.requires_grad = False
model.fc.requires_grad_(True)
UnFreeze_flag = False
for epoch in range(Init_Epoch, UnFreeze_Epoch):
    if epoch >= Freeze_Epoch and not UnFreeze_flag:
        for param in model.layer4.parameters():
            param.requires_grad = True
        UnFreeze_flag = True
    fit_one_epoch(model, epoch)
