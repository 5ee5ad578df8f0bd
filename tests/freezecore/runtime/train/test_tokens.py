"""Models that answer at each token: language models and token classifiers, held against their own libraries."""

import json
import math
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, DataCollatorForLanguageModeling, GPT2Config, PreTrainedTokenizerFast

from freezecore.errors import FreezeError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import IGNORED
from freezecore.runtime.train.run import run_probe
from freezecore.runtime.train.session import Session, check_causal
from freezecore.runtime.train.token_score import TokenScore, token_sums
from freezecore.source import ModelSource
from freezecore.spans import spans
from freezecore.spec import FreezeSpec

WORDS = [f"w{i}" for i in range(1_200)]
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] + '</s>' }}{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def folder_of(path, kind="gpt2", template=None):
    """A folder with a tiny model's config and a tokenizer of whole words."""
    path.mkdir(exist_ok=True)
    if kind == "gpt2":
        GPT2Config(vocab_size=1_300, n_embd=32, n_layer=2, n_head=2, n_positions=64).save_pretrained(path)
    else:
        config = BertConfig(
            vocab_size=1_300, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
        )
        config.save_pretrained(path)
    special = ["<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>", "<|system|>"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if kind == "bert":
        tokens.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=special[4:],
    )  # fmt: skip
    made.chat_template = template
    made.save_pretrained(path)
    return str(path)


def source_of(folder, task="causal-lm"):
    return ModelSource.parse(f"hf:{folder}", weights="random", task=task)


def rows_file(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


def texts_file(path, count=40):
    """Each word announces the next, so that there is something to learn."""
    return rows_file(path, [{"text": " ".join(WORDS[(i + j) % 30] for j in range(4 + i % 9))} for i in range(count)])


def asked(source, data, rules="train all", **more):
    fields = {"steps": 4, "batch_size": 8, "device": "cpu", **more}
    return ProbeRequest(source, FreezeSpec.parse(rules), data=data, **fields)


@pytest.fixture
def causal(tmp_path):
    return source_of(folder_of(tmp_path / "model")), texts_file(tmp_path / "texts.jsonl")


def test_the_loss_is_the_models_own_and_that_of_the_usual_collator(causal):
    source, data = causal
    session = Session(asked(source, data))
    feed, some = session.train, torch.arange(8)
    session.model.eval()
    from transformers import AutoTokenizer

    raw = session.data.raw
    tokenizer = AutoTokenizer.from_pretrained(source.name)
    rows = [tokenizer(raw.texts[i]) for i in raw.train[:8]]
    batch = DataCollatorForLanguageModeling(tokenizer, mlm=False)(rows)
    with torch.no_grad():
        own = session.model(**batch).loss
        ours = feed.loss(feed.forward(some), some)
    assert float(ours) == pytest.approx(float(own), rel=1e-5)


def test_perplexity_is_that_of_a_loop_over_every_token(causal):
    source, data = causal
    request = asked(source, data, steps=1)
    session = Session(request)
    session.model.eval()
    loss, count = 0.0, 0
    for ids, mask in zip(session.test.inputs["input_ids"], session.test.inputs["attention_mask"], strict=True):
        ids = ids[: int(mask.sum())]
        with torch.no_grad():
            likelihood = session.model(input_ids=ids[None]).logits[0].log_softmax(-1)
        for place in range(len(ids) - 1):
            loss, count = loss - float(likelihood[place, ids[place + 1]]), count + 1
    result = run_probe(request)
    assert result.perplexity_before == pytest.approx(math.exp(loss / count), rel=1e-4)
    assert result.held_out_loss_before == pytest.approx(loss / count, rel=1e-4)


def test_a_language_model_learns_and_has_a_perplexity_instead_of_an_accuracy(causal):
    source, data = causal
    result = run_probe(asked(source, data, steps=60, learning_rate=0.02, head_learning_rate=0.02))
    assert result.state == "done", result.message
    assert result.metric == "perplexity"
    assert result.accuracy_before is None and result.accuracy_after is None and result.train_accuracy_after is None
    assert result.perplexity_after == result.metric_after < result.perplexity_before
    low, high = result.metric_interval
    assert low < result.metric_after < high
    assert math.exp(-sum(result.per_sample) / len(result.per_sample)) == pytest.approx(result.perplexity_after)
    assert result.perplexity_after == pytest.approx(math.exp(result.held_out_loss_after))
    assert result.perplexity_after < math.exp(-result.baseline) < result.perplexity_before  # it learnt what follows
    assert result.proof.ok
    json.dumps(result.to_json())


@pytest.mark.parametrize(
    "rules", ["freeze all; train blocks:last1", "freeze all; train blocks:1 path:cls.predictions.transform"]
)
def test_the_kept_prefix_changes_nothing(tmp_path, rules):
    source, data = source_of(folder_of(tmp_path / "m", "bert")), texts_file(tmp_path / "texts.jsonl", 120)
    request = asked(source, data, rules, steps=12, learning_rate=0.01, head_learning_rate=0.01)
    cached, plain = run_probe(request), run_probe(replace(request, cache=False))
    assert cached.cache.used, cached.cache.why
    assert cached.perplexity_after == pytest.approx(plain.perplexity_after, rel=1e-4)
    assert cached.proof.ok and cached.proof.parameters > 0


def test_an_encoder_that_continues_texts_does_not_see_what_follows(tmp_path):
    source, data = source_of(folder_of(tmp_path / "m", "bert")), texts_file(tmp_path / "texts.jsonl")
    session = Session(asked(source, data))
    check_causal(session.test)
    session.model.config.is_decoder = False
    for module in session.model.modules():
        for name in ("is_decoder", "is_causal"):
            if hasattr(module, name):
                setattr(module, name, False)
    with pytest.raises(FreezeError, match="sees the tokens that it is to predict"):
        check_causal(session.test)


CHATS = [
    {"messages": [
        {"role": "user", "content": f"w{i} w{i + 1}"},
        {"role": "assistant", "content": f"w{i + 2} w{i + 3}"},
        {"role": "user", "content": "w7"},
        {"role": "assistant", "content": f"w{i + 4}"},
    ]}
    for i in range(12)
]  # fmt: skip


@pytest.mark.parametrize("marked", [True, False])
def test_only_answers_are_learnt_as_the_template_marks_them(tmp_path, marked):
    bare = TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    folder = folder_of(tmp_path / "m", template=TEMPLATE if marked else bare)
    session = Session(asked(source_of(folder), rows_file(tmp_path / "chats.jsonl", CHATS)))
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    raw, data = session.data.raw, session.data.train
    for row, position in enumerate(raw.train):
        made = tokenizer.apply_chat_template(
            CHATS[position]["messages"], return_dict=True, return_assistant_tokens_mask=True
        )
        ids, learnt = made["input_ids"], made["assistant_masks"]
        labels = [i if wanted else IGNORED for i, wanted in zip(ids, learnt, strict=True)]
        count = len(ids)
        assert data.inputs["input_ids"][row, :count].tolist() == list(ids)
        assert data.targets[row, : count - 1].tolist() == labels[1:]
        assert set(data.targets[row, count - 1 :].tolist()) == {IGNORED}
    assert 0 < sum(t != IGNORED for t in data.targets.flatten().tolist()) < int(data.inputs["attention_mask"].sum())


def test_prompts_are_read_and_completions_learnt(tmp_path):
    rows = [{"prompt": f"w{i} w1 ", "completion": f"w{i} w{i + 1}"} for i in range(12)]
    session = Session(asked(source_of(folder_of(tmp_path / "m")), rows_file(tmp_path / "rows.jsonl", rows)))
    number = int(session.data.raw.train[0])
    targets = [t for t in session.data.train.targets[0].tolist() if t != IGNORED]
    assert targets == [7 + number, 8 + number, 2]  # the completion, and the end of the text


CONLL = "-DOCSTART- -X- O\n\nw1 NN B-PER\nw2 NN I-PER\nw9 IN O\n\nw3 NN B-LOC\nw8 IN O\n"


def conll_file(path, count=30):
    rows = [
        f"w{i % 40} NN B-PER\nw{i % 40 + 1} NN I-PER\nw50{i % 9} IN O\nw{i % 30 + 60} NN B-LOC\n" for i in range(count)
    ]
    path.write_text("-DOCSTART- -X- O\n\n" + "\n".join(rows), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_a_token_classifier_learns_and_has_a_span_f1(tmp_path, kind):
    source = source_of(folder_of(tmp_path / "m", kind), "token-classification")
    data = conll_file(tmp_path / "train.conll", 60)
    result = run_probe(asked(source, data, steps=80, learning_rate=0.01, head_learning_rate=0.01))
    assert result.state == "done", result.message
    assert (result.metric, result.accuracy_after) == ("span-f1", None)
    assert result.span_f1_before < 0.5 < result.span_f1_after == result.metric_after
    assert sum(result.per_sample) / len(result.per_sample) == pytest.approx(result.span_f1_after)
    low, high = result.metric_interval
    assert low < result.span_f1_after <= high <= 1
    assert result.held_out_loss_after < result.held_out_loss_before


def test_token_classifications_loss_is_the_models_own(tmp_path):
    source = source_of(folder_of(tmp_path / "m", "bert"), "token-classification")
    session = Session(asked(source, conll_file(tmp_path / "train.conll")))
    feed, some = session.train, torch.arange(8)
    session.model.eval()
    with torch.no_grad():
        own = session.model(**feed.batch(some), labels=feed.targets[some]).loss
        assert float(feed.loss(feed.forward(some), some)) == pytest.approx(float(own), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.csv", "Sentence #,Word,POS,Tag\nSentence: 1,w1,NN,B-PER\n,w2,NN,I-PER\n,w9,IN,O\n"
                      "Sentence: 2,w3,NN,B-LOC\n,w8,IN,O\nSentence: 3,w1,NN,O\n,w4,NN,O\n"),
        ("rows.jsonl", '{"tokens": ["w1", "w2", "w9"], "ner_tags": ["B-PER", "I-PER", "O"]}\n'
                       '{"tokens": ["w3", "w8"], "ner_tags": ["B-LOC", "O"]}\n'
                       '{"tokens": ["w1", "w4"], "ner_tags": ["O", "O"]}'),
        ("file.txt", CONLL + "\nw1 NN O\nw4 NN O\n"),
    ],
)  # fmt: skip
def test_tagged_words_are_read_from_every_form(tmp_path, name, content):
    from freezecore.runtime.data.read import read

    (tmp_path / name).write_text(content, encoding="utf-8")
    raw = read(asked(ModelSource.parse("config:bert", task="token-classification"), str(tmp_path / name)))
    assert raw.words == (("w1", "w2", "w9"), ("w3", "w8"), ("w1", "w4"))
    assert [[raw.classes[tag] for tag in of] for of in raw.tags] == [
        ["B-PER", "I-PER", "O"],
        ["B-LOC", "O"],
        ["O", "O"],
    ]


@pytest.mark.parametrize(
    ("tags", "found"),  # as seqeval 1.2.2 reads them: its get_entities in the default mode
    [
        ("B-PER I-PER O B-LOC", {("PER", 0, 1), ("LOC", 3, 3)}),
        ("I-PER I-PER", {("PER", 0, 1)}),
        ("B-PER I-LOC", {("PER", 0, 0), ("LOC", 1, 1)}),
        ("B-PER B-PER", {("PER", 0, 0), ("PER", 1, 1)}),
        ("O I-PER O", {("PER", 1, 1)}),
        ("B-PER E-PER I-PER", {("PER", 0, 1), ("PER", 2, 2)}),
        ("S-PER S-PER E-LOC", {("PER", 0, 0), ("PER", 1, 1), ("LOC", 2, 2)}),
        ("O O", set()),
    ],
)
def test_spans_are_seqevals(tags, found):
    assert spans(tags.split()) == found


def test_span_f1_is_seqevals_over_all_texts():
    names = ("B-LOC", "B-PER", "I-PER", "O")
    true = torch.tensor([[1, 2, 3, 0], [3, 1, 3, IGNORED]])
    said = torch.tensor([[1, 2, 0, 3], [3, 1, 2, 0]])
    logits = torch.nn.functional.one_hot(said, 4).float()
    score = TokenScore(token_sums(logits, true, names), None)
    # seqeval.metrics.f1_score of these: true PER(0,1) LOC(3,3) PER(1,1); said PER(0,1) LOC(2,2) PER(1,2)
    assert score.metric("span-f1") == pytest.approx(2 * 1 / (3 + 3))
    assert score.metric("token-accuracy") == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("name", "content", "task", "said"),
    [
        ("a.jsonl", '{"text": "w1"}\n{"text"', "causal-lm", "Line 2 of a.jsonl is no JSON"),
        ("a.jsonl", '["w1"', "causal-lm", "Line 1 of a.jsonl is no JSON"),
        ("a.jsonl", "", "causal-lm", "a.jsonl is empty"),
        ("a.jsonl", '{"text": "w1"}\n3', "causal-lm", "Row 2 of a.jsonl is no object: it holds 3"),
        ("a.jsonl", '{"text": "w1"}\n{"text": null}', "causal-lm", "Row 2 of a.jsonl has nothing in the column 'text'"),
        ("a.jsonl", '{"txt": "w1"}', "causal-lm", "a.jsonl has no column that looks like text: it has txt"),
        ("a.jsonl", '{"messages": []}', "causal-lm", "Row 1 of a.jsonl has no messages"),
        ("a.jsonl", '{"messages": [{"role": "king", "content": "w1"}]}', "causal-lm", "without a role or a text"),
        ("a.jsonl", '{"messages": [{"role": "user", "content": "w1"}]}', "causal-lm", "a.jsonl has an answer"),
        ("a.jsonl", '{"text": "w1"}', "causal-lm", "a.jsonl has 1 sample"),
        ("a.jsonl", "[" * 100_000, "causal-lm", "of a.jsonl is"),
        ("a.conll", "w1\n", "token-classification", "Line 1 of a.conll has no word and tag: w1"),
        ("a.conll", "w1 O\n\nw2 O\n", "token-classification", "The words of a.conll all have the same tag"),
        ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}', "token-classification", "has 2 words and 1 tags"),
        ("a.csv", "word,tag\nw1,O\nw2,B-X\n", "token-classification", "looks like the sentence's number"),
        ("a.conll", "w1 O\n", None, "a.conll holds words and their tags"),
        ("a.jsonl", '{"messages": 1}', None, "a.jsonl holds chats or tagged words"),
    ],
)  # fmt: skip
def test_bad_data_is_told_with_its_place(tmp_path, name, content, task, said):
    from freezecore.runtime.data.read import read

    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(FreezeError, match=said):
        read(asked(ModelSource.parse("config:gpt2", task=task), str(tmp_path / name)))


def test_bytes_that_are_no_text_are_told(tmp_path):
    from freezecore.runtime.data.read import read

    for name, task in (("a.jsonl", "causal-lm"), ("a.conll", "token-classification"), ("a.txt", "causal-lm")):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00 w1 O\n")
        with pytest.raises(FreezeError, match=f"{name} is not in UTF-8"):
            read(asked(ModelSource.parse("config:gpt2", task=task), str(tmp_path / name)))


@pytest.mark.parametrize("task", ["masked-lm", "question-answering", "seq2seq-lm"])
def test_other_tasks_get_a_sentence_that_says_what_trains(task):
    with pytest.raises(FreezeError, match="is not trained here") as told:
        Session(asked(ModelSource.parse("config:bert", weights="random", task=task), "docstrings"))
    assert "causal-lm" in told.value.hint
