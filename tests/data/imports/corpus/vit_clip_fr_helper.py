# seen: public code search: freeze_clip(vision_model, text_model, num_trainable_blocks)
# model: timm:vit_tiny_patch16_224
# read: model
def freeze_vit(vision_model, text_model=None, num_trainable_blocks=1):
    def fr(m):
        for param in m.parameters():
            param.requires_grad = False

    fr(vision_model.patch_embed)
    for idx in range(len(vision_model.blocks) - num_trainable_blocks):
        fr(vision_model.blocks[idx])
    if text_model is not None:
        fr(text_model.text_model.embeddings)


freeze_vit(model, num_trainable_blocks=3)
