# seen: facebookresearch/moco-v3 main_lincls.py
# model: timm:resnet18
# read: model
import argparse
import json

import torchvision.models as torchvision_models

torchvision_model_names = sorted(name for name in torchvision_models.__dict__
    if name.islower() and not name.startswith("__")
    and callable(torchvision_models.__dict__[name]))
parser = argparse.ArgumentParser()
parser.add_argument('-a', '--arch', metavar='ARCH', default='resnet18')
parser.add_argument('--epochs', default=3, type=int)
args = parser.parse_args([])


class AverageMeter(object):
    def __init__(self, name, fmt=':f'):
        self.name, self.fmt, self.avg = name, fmt, 0

    def update(self, val, n=1):
        self.avg = val / n

    def __str__(self):
        fmtstr = '{name} ({avg' + self.fmt + '})'
        return fmtstr.format(**self.__dict__)


model = torchvision_models.__dict__[args.arch]()
linear_keyword = 'fc'
for name, param in model.named_parameters():
    if name not in ['%s.weight' % linear_keyword, '%s.bias' % linear_keyword]:
        param.requires_grad = False
losses = AverageMeter('Loss', ':.4e')
for epoch in range(args.epochs):
    losses.update(len(loader))
    print('\t'.join([str(meter) for meter in [losses]]), model.conv1.weight[0, 0, ...])
    print(' * Acc@1 {top1.avg:.3f} lr {lr}'.format(top1=losses, lr=args.epochs))
    log.write(json.dumps({'epoch': epoch, 'names': str(torchvision_model_names)}) + "\n")
