# seen: trewto/Bangladeshi-Vehicle-Count-Using-YOLO-8-11 train.py
# model: timm:resnet18
# read: model
def freeze_layer(model):
    num_freeze = 3
    freeze = [f"layer{x}." for x in range(num_freeze)]
    for k, v in model.named_parameters():
        v.requires_grad = True
        if any(x in k for x in freeze):
            print(f"freezing {k}")
            v.requires_grad = False
    print(f"{num_freeze} layers are freezed.")

freeze_layer(model)
