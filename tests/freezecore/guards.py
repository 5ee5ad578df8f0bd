"""What in the code guards against each pitfall: the text to take out of a file, and the repro that must then fail."""

from __future__ import annotations

from dataclasses import dataclass

REPROS = "tests/freezecore/test_repros.py"


@dataclass(frozen=True)
class Guard:
    """One guard.

    Attributes:
        test: name of the repro in `test_repros.py` that fails without it.
        file: below `freezecore/`.
        text: what stands there, once.
        instead: what stands there when the guard is taken out.
    """

    test: str
    file: str
    text: str
    instead: str

    @property
    def name(self) -> str:
        return f"{self.test.removeprefix('test_')} without {self.file}"


FINDINGS = "CHECKS = (leak, phantom_backward, reentrant)"
GUARDS = (
    Guard(
        "test_p1_a_path_is_one_block_and_not_those_that_begin_like_it",
        "name_index.py",
        'return bisect_left(self.names, path + ".", start), bisect_left(self.names, path + "/", start)',
        'return start, bisect_left(self.names, path + "\\uffff", start)',
    ),
    Guard(
        "test_p1_a_role_is_the_same_with_and_without_a_prefix",
        "runtime/tree/towers.py",
        "            self._front(tower)\n",
        "",
    ),
    Guard(
        "test_p1_a_typo_is_an_error",
        "_resolve.py",
        "raise _nothing(selector, names.tree)",
        "continue",
    ),
    Guard(
        "test_p2_no_buffer_of_a_frozen_norm_moves_and_no_module_is_swapped",
        "runtime/own/hold.py",
        'vars(module)["train"] = self',
        "pass",
    ),
    Guard(
        "test_p3_two_names_of_one_tensor_are_one_conflict_in_either_order",
        "_resolve.py",
        "found.append(Conflict(parameter.name, (first, second)))",
        "pass",
    ),
    Guard(
        "test_p3_a_tied_tensor_is_counted_once",
        "runtime/tree/module_tree.py",
        "known = made.name_of.get(id(tensor))",
        "known = None",
    ),
    Guard(
        "test_p4_a_freeze_after_training_loses_the_stale_gradient_and_nothing_moves",
        "mask.py",
        "parameter.grad = None",
        "pass",
    ),
    Guard(
        "test_p4_the_proof_names_a_stale_gradient_before_any_step",
        "runtime/own/proof.py",
        "with_gradient=tuple(name for name, parameter in found.items() if parameter.grad is not None),",
        "with_gradient=(),",
    ),
    Guard(
        "test_p4r_a_saved_optimizer_of_another_freeze_is_refused",
        "runtime/own/unfreezing.py",
        'if now != saved["names"]:',
        "if False:",
    ),
    Guard(
        "test_p6_a_parameter_that_only_looks_like_one_in_the_optimizer_joins_it",
        "runtime/own/unfreezing.py",
        'group["params"] = [p for p in trains if group_of.get(id(p), 0) == i]',
        'group["params"] += [p for p in trains if not any(torch.equal(p, q) for q in group["params"])]',
    ),
    Guard("test_p7_a_forgotten_pos_embed_is_named", "_review/backward.py", FINDINGS, FINDINGS.replace("leak, ", "")),
    Guard(
        "test_p9_checkpointing_runs_backward_through_a_frozen_prefix",
        "_review/backward.py",
        FINDINGS,
        FINDINGS.replace("phantom_backward, ", ""),
    ),
    Guard(
        "test_p9_reentrant_checkpointing_gives_frozen_patches_no_gradient",
        "_review/backward.py",
        FINDINGS,
        FINDINGS.replace(", reentrant", ""),
    ),
    Guard(
        "test_p10_raw_parameters_and_those_of_modules_with_children_are_leaves_each_once",
        "runtime/tree/module_tree.py",
        "        if tensor is not None:\n            _name(",
        "        if tensor is not None and not node.module._modules:\n            _name(",
    ),
    Guard(
        "test_p10_what_the_author_froze_stays_frozen_when_all_trains",
        "_resolve.py",
        "reached = hit if exact else hit & ~names.frozen_by_author",
        "reached = hit",
    ),
    Guard(
        "test_p11_half_of_a_fused_tensor_is_not_offered",
        "rules/nearby.py",
        "if fused := _fused(value, tree):",
        "if fused := None:",
    ),
    Guard(
        "test_p11_half_of_a_fused_tensor_is_not_offered",
        "runtime/tree/marks.py",
        'if FUSED.search(f"{own}.{last}"):',
        "if False:",
    ),
    Guard(
        "test_p12_a_parametrized_weight_is_marked_as_the_weight_that_it_makes",
        "runtime/tree/marks.py",
        "if found := PARAMETRIZED.search(name):",
        "if found := None:",
    ),
    Guard(
        "test_p13_a_spec_for_another_head_is_stale",
        "tree.py",
        'sorted(f"{name} {p.shape}" for p',
        'sorted(f"{name}" for p',
    ),
    Guard(
        "test_p15_a_preset_that_would_select_nothing_is_not_offered",
        "_presets.py",
        "return tuple(preset for preset in _all_presets(tree) if preset.hits)",
        "return _all_presets(tree)",
    ),
    Guard(
        "test_p15_a_scale_that_starts_at_zero_has_no_score_without_bound",
        "runtime/search/block_scores.py",
        "scale = max(_squares(weights), FLOOR**2 * sum(w.numel() for w in weights))",
        "scale = _squares(weights) + 1e-30",
    ),
)
