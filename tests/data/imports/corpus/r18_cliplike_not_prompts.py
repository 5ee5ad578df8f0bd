# seen: public code search: setup_model_clip_prompt
# model: timm:resnet18
# read: model
import timm
def setup(name='resnet18', keep='fc.weight'):
    model = timm.create_model(name)
    for name, param in model.named_parameters():
        if param.requires_grad:
            if name != keep:
                param.requires_grad = False
    print('Training parameters:')
    for name, param in model.named_parameters():
        if param.requires_grad:
            print(name)
    return model
model = setup()
