"""Many selections measured alike: sweeps, the search within a budget, suggestions, and what is more than noise.

What `emit` hears from each of them, as dictionaries of JSON values; `event` says which. `rules` is a selection's text,
`labels` what it is called, scores and accuracies are shares from 0 to 1, times are seconds, unknown is None.

    phase       phase: `data`, `model`, `cluster` (with `runners`), or a way to suggest; within a run those of a probe,
                `check` and `capture` (with done, total)
    plan        a sweep: candidates (their rules), total (runs)
                a search: arms (selections times rates), left_out (sentences), seconds (in all)
    start, eval, step, proof
                a sweep on this machine: those of a probe (`freezecore.runtime.train.run`), with rules and seed
    run         a sweep's run has ended: rules, labels, frozen_blocks, seed, state, accuracy_before, accuracy_after,
                metric, metric_after, peak_bytes, step_s, seconds, message, done, total
    trying      a search begins a run: rules, labels, factor (of the default learning rates), rung, steps, seed,
                expected_s, done (runs so far), spent_s, left_s
    trial       it has ended: the fields of `find.SearchTrial`, best (fields of `find.Choice`, the recommendation so
                far), done, spent_s, left_s
    suggestion  one was found: the fields of `suggest.Suggestion`
    result      the last one on the command line: `to_json` of SweepResult, FindResult or SuggestResult
"""
