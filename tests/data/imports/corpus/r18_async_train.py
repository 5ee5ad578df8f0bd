# seen: ours
# model: timm:resnet18
# read: model
import asyncio


async def freeze(part):
    await asyncio.sleep(0)
    for p in part.parameters():
        p.requires_grad = False


async def main():
    await freeze(model.layer1)
    await asyncio.gather(freeze(model.layer2), freeze(model.conv1))


asyncio.run(main())
