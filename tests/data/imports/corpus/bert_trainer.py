# seen: Hugging Face Trainer with a frozen encoder
# model: bert
# read: model
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=2)
for name, param in model.named_parameters():
    if not name.startswith("classifier"):
        param.requires_grad = False
args = TrainingArguments(output_dir="out", num_train_epochs=3, per_device_train_batch_size=16, learning_rate=5e-4, report_to=[])
trainer = Trainer(model=model, args=args, train_dataset=train_ds, eval_dataset=val_ds)
trainer.train()
