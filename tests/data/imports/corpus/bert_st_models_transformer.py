# seen: sentence-transformers: models.Transformer and Pooling
# model: bertbase
# read: word.auto_model
from sentence_transformers import SentenceTransformer, models, losses
word = models.Transformer("bert-base-uncased", max_seq_length=128)
pool = models.Pooling(word.get_word_embedding_dimension())
for p in word.auto_model.embeddings.parameters():
    p.requires_grad = False
for layer in word.auto_model.encoder.layer[:8]:
    for p in layer.parameters():
        p.requires_grad = False
model = SentenceTransformer(modules=[word, pool])
