"""Recorded runs, replayed: no model is asked, and nothing is run."""

from stateflow.testing import Replay, assert_path


def test_approval(replay: Replay) -> None:
    result = replay("approval.yaml")

    assert_path(result, "plan → approve → write → run → explain → accept")
    assert result.stop.kind == "done"


def test_approval_changed(replay: Replay) -> None:
    result = replay("approval_changed.yaml")

    assert_path(
        result,
        """
        (plan → approve){2} → write{2} → run → write → run → (explain → accept){2}
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_constrained(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.arithmetic_constrained \
        --to tests/cassettes/arithmetic_constrained.yaml
    """
    result = replay("arithmetic_constrained.yaml")

    assert_path(
        result,
        """
        (Adder → Multiplier → Subtracter → Divider){2} → Adder → Multiplier → Number
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_constrained_ends_at_divider(replay: Replay) -> None:
    result = replay("arithmetic_constrained_ends_at_divider.yaml")

    assert_path(
        result,
        """
        Adder → Number{2} → (Adder → Multiplier → Subtracter → Divider){2}
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_constrained_ends_at_adder(replay: Replay) -> None:
    result = replay("arithmetic_constrained_ends_at_adder.yaml")

    assert_path(
        result,
        """
        Adder → Number → (Adder → Multiplier → Subtracter → Divider){2} → Adder
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_constrained_ends_at_multiplier(replay: Replay) -> None:
    result = replay("arithmetic_constrained_ends_at_multiplier.yaml")

    assert_path(
        result,
        """
        Adder → Multiplier → Subtracter → Number → Adder → Multiplier → Subtracter
        → Divider → Number → Adder → Multiplier
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_constrained_ends_at_subtracter(replay: Replay) -> None:
    result = replay("arithmetic_constrained_ends_at_subtracter.yaml")

    assert_path(
        result,
        """
        (Adder → Multiplier → Subtracter → Divider){2} → Adder → Multiplier → Subtracter
        """,
    )
    assert result.stop.kind == "done"


def test_arithmetic_group(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.arithmetic_group --to tests/cassettes/arithmetic_group.yaml
    """
    result = replay("arithmetic_group.yaml")

    assert_path(result, "Multiplier → Adder → Multiplier → Subtracter → Number")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_1(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_1.yaml")

    assert_path(result, "Multiplier → Number{2} → Adder{2}")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_2(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_2.yaml")

    assert_path(result, "Multiplier{2} → Divider → Number → Multiplier")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_3(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_3.yaml")

    assert_path(result, "Multiplier → Number → Subtracter → Adder → Subtracter")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_4(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_4.yaml")

    assert_path(result, "Multiplier → Number → Divider → Adder → Divider")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_5(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_5.yaml")

    assert_path(result, "Multiplier → Subtracter{2} → Divider → Multiplier")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_6(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_6.yaml")

    assert_path(result, "Multiplier → Divider{2} → Subtracter → Multiplier")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_7(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_7.yaml")

    assert_path(result, "Multiplier → Adder → Number")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_8(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_8.yaml")

    assert_path(result, "Multiplier")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_9(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_9.yaml")

    assert_path(result, "Multiplier → Adder")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_10(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_10.yaml")

    assert_path(result, "Multiplier → Subtracter")
    assert result.stop.kind == "done"


def test_arithmetic_group_picks_11(replay: Replay) -> None:
    result = replay("arithmetic_group_picks_11.yaml")

    assert_path(result, "Multiplier → Divider")
    assert result.stop.kind == "done"


def test_arithmetic_sequence(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.arithmetic_sequence \
        --to tests/cassettes/arithmetic_sequence.yaml
    """
    result = replay("arithmetic_sequence.yaml")

    assert_path(result, "add → multiply → subtract → divide")
    assert result.stop.kind == "done"


def test_chess_match(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.chess_match --to tests/cassettes/chess_match.yaml
    """
    result = replay("chess_match.yaml")

    assert_path(result, "(white → black){2}")
    assert result.stop.kind == "final"
    assert result.stop.state == "won"


def test_chess_match_white_wins(replay: Replay) -> None:
    result = replay("chess_match_white_wins.yaml")

    assert_path(result, "white → black → white")
    assert result.stop.kind == "final"
    assert result.stop.state == "won"


def test_chess_match_undecided(replay: Replay) -> None:
    result = replay("chess_match_undecided.yaml")

    assert_path(result, "(white → black){2}")
    assert result.stop.kind == "done"


def test_code_loop(replay: Replay) -> None:
    """Replay `stateflow record flows.code_loop --to tests/cassettes/code_loop.yaml`."""
    result = replay("code_loop.yaml")

    assert_path(result, "write → (examine → run → fix){3} → examine → run")
    assert result.stop.kind == "done"


def test_code_loop_no_code(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.code_loop --model 'coder=scripted:I would.' \
        --model 'fixer=scripted:I shall.' --to tests/cassettes/code_loop_no_code.yaml
    """
    result = replay("code_loop_no_code.yaml")

    assert_path(result, "write → (examine → run → fix){8} → examine → run")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_code_loop_fails(replay: Replay) -> None:
    result = replay("code_loop_fails.yaml")

    assert_path(result, "write → examine")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_counting(replay: Replay) -> None:
    """Replay `stateflow record flows.counting --to tests/cassettes/counting.yaml`."""
    result = replay("counting.yaml")

    assert_path(
        result,
        """
        plan → (engineer → execute → engineer → criticise → engineer → criticise){3}
        → plan
        """,
    )
    assert result.stop.kind == "done"


def test_docs_graph(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.docs_graph --to tests/cassettes/docs_graph.yaml
    """
    result = replay("docs_graph.yaml")

    assert_path(result, "write → edit → review")
    assert result.stop.kind == "done"


def test_escalation(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.escalation --to tests/cassettes/escalation.yaml
    """
    result = replay("escalation.yaml")

    assert_path(result, "ask → basic → intermediate → advanced → answer")
    assert result.stop.kind == "done"


def test_escalation_basic_knows(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.escalation \
        --model 'basic=scripted:{"confidence": 8, "answer": "Play."}' \
        --to tests/cassettes/escalation_basic_knows.yaml
    """
    result = replay("escalation_basic_knows.yaml")

    assert_path(result, "ask → basic → answer")
    assert result.stop.kind == "done"


def test_escalation_intermediate_knows(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.escalation \
        --model 'intermediate=scripted:{"confidence": 10, "answer": "Play."}' \
        --to tests/cassettes/escalation_intermediate_knows.yaml
    """
    result = replay("escalation_intermediate_knows.yaml")

    assert_path(result, "ask → basic → intermediate → answer")
    assert result.stop.kind == "done"


def test_escalation_nobody_knows(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.escalation \
        --model 'advanced=scripted:{"confidence": 2, "answer": "I do not know."}' \
        --to tests/cassettes/escalation_nobody_knows.yaml
    """
    result = replay("escalation_nobody_knows.yaml")

    assert_path(result, "ask → basic → intermediate → advanced")
    assert result.stop.kind == "final"
    assert result.stop.state == "needs_a_person"


def test_feedback_loop(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.feedback_loop --to tests/cassettes/feedback_loop.yaml
    """
    result = replay("feedback_loop.yaml")

    assert_path(result, "plan → draft → review → revise → review → finalize")
    assert result.stop.kind == "done"


def test_feedback_loop_three_reviews(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.feedback_loop \
        --model 'reviewer=scripted:{"iteration_needed": true, "advice": "Name a number."}' \
        --to tests/cassettes/feedback_loop_three_reviews.yaml
    """
    result = replay("feedback_loop_three_reviews.yaml")

    assert_path(result, "plan → draft → (review → revise){3} → finalize")
    assert result.stop.kind == "done"


def test_flight_refund(replay: Replay) -> None:
    result = replay("flight_refund.yaml")

    assert_path(
        result,
        """
        travel_agent → flights_refunder → "user after flights_refunder"
        → flights_refunder → travel_agent
        """,
    )
    assert result.stop.kind == "done"


def test_flight_refund_asked_often(replay: Replay) -> None:
    result = replay("flight_refund_asked_often.yaml")

    assert_path(
        result,
        """
        (travel_agent → "user after travel_agent"){2} → travel_agent → (flights_refunder
        → "user after flights_refunder"){2}
        """,
    )
    assert result.stop.kind == "done"


def test_flight_refund_exit(replay: Replay) -> None:
    result = replay("flight_refund_exit.yaml")

    assert_path(result, 'travel_agent → "user after travel_agent"')
    assert result.stop.kind == "done"


def test_front_desk(replay: Replay) -> None:
    result = replay("front_desk.yaml")

    assert_path(result, "desk → refund → receipt")
    assert result.stop.kind == "done"


def test_front_desk_declined(replay: Replay) -> None:
    result = replay("front_desk_declined.yaml")

    assert_path(result, "desk → refund")
    assert result.stop.kind == "final"
    assert result.stop.state == "declined"


def test_front_desk_help(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.front_desk --input 'When do you open?' \
        --model 'clerk=scripted:send({"to": "help"})' \
        --model 'helper=scripted:We are open from nine to five.' \
        --to tests/cassettes/front_desk_help.yaml
    """
    result = replay("front_desk_help.yaml")

    assert_path(result, "desk → help")
    assert result.stop.kind == "done"


def test_grade(replay: Replay) -> None:
    """Replay `stateflow record flows.grade --to tests/cassettes/grade.yaml`."""
    result = replay("grade.yaml")

    assert_path(result, "(write → grade){3}")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_grade_good(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.grade \
        --model 'writer=scripted:Tea. Park. Come.|Come to the park: the cake is free.' \
        --model 'grader=scripted:{"score": 4, "advice": "Why?"}|{"score": 9, "advice": "Keep."}' \
        --to tests/cassettes/grade_good.yaml
    """
    result = replay("grade_good.yaml")

    assert_path(result, "(write → grade){2}")
    assert result.stop.kind == "done"


def test_grade_no_grade(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.grade --model 'writer=scripted:Tea. Park. Come.' \
        --model 'grader=scripted:I like it.' --to tests/cassettes/grade_no_grade.yaml
    """
    result = replay("grade_no_grade.yaml")

    assert_path(result, "write → grade")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_guarded_change(replay: Replay) -> None:
    result = replay("guarded_change.yaml")

    assert_path(result, "(plan → approve → execute → test → verify){2}")
    assert result.stop.kind == "done"


def test_guarded_change_mended(replay: Replay) -> None:
    result = replay("guarded_change_mended.yaml")

    assert_path(
        result,
        """
        (plan → approve){2} → execute → plan → approve → execute → test → verify
        """,
    )
    assert result.stop.kind == "done"


def test_guarded_change_given_up(replay: Replay) -> None:
    result = replay("guarded_change_given_up.yaml")

    assert_path(result, "plan → approve")
    assert result.stop.kind == "final"
    assert result.stop.state == "given_up"


def test_guarded_change_fails(replay: Replay) -> None:
    result = replay("guarded_change_fails.yaml")

    assert_path(result, "plan")
    assert result.stop.kind == "final"
    assert result.stop.state == "given_up"


def test_incident(replay: Replay) -> None:
    result = replay("incident.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → weigh
        → hypothesis → choose_probe → probe_metrics → weigh → (propose_fix → dry_run){2}
        → assess → approve_fix → apply → verify → draft_update → post_update
        → postmortem → sign_off
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "resolved"


def test_incident_known(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.incident --input 'search is slow' \
        --model 'triager=scripted:{"severity": 4}' \
        --to tests/cassettes/incident_known.yaml
    """
    result = replay("incident_known.yaml")

    assert_path(result, "receive → classify → dedupe")
    assert result.stop.kind == "final"
    assert result.stop.state == "resolved"


def test_incident_fails(replay: Replay) -> None:
    result = replay("incident_fails.yaml")

    assert_path(result, "receive")
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_low_risk(replay: Replay) -> None:
    result = replay("incident_low_risk.yaml")

    assert_path(
        result,
        """
        receive → classify → dedupe → enrich → (hypothesis → choose_probe → probe_logs
        → weigh){2} → (propose_fix → dry_run){2} → assess → apply → verify
        → draft_update → post_update → (postmortem → sign_off){3}
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_never_sure(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.incident \
        --model 'judge=scripted:{"sure": 2, "cause": "unknown"}' \
        --model 'scout=scripted:{"probe": "metrics"}' \
        --to tests/cassettes/incident_never_sure.yaml
    """
    result = replay("incident_never_sure.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → (hypothesis → choose_probe → probe_metrics
        → weigh){4}
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_never_rehearsed(replay: Replay) -> None:
    result = replay("incident_never_rehearsed.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → weigh
        → (propose_fix → dry_run){4}
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_too_late(replay: Replay) -> None:
    result = replay("incident_too_late.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → weigh
        → hypothesis → choose_probe → probe_metrics → weigh → (propose_fix → dry_run){2}
        → assess → approve_fix
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_refused(replay: Replay) -> None:
    result = replay("incident_refused.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → weigh
        → (propose_fix → dry_run → assess → approve_fix){4}
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_rolled_back(replay: Replay) -> None:
    result = replay("incident_rolled_back.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → (weigh
        → propose_fix → dry_run → assess → apply → roll_back → hypothesis → choose_probe
        → probe_metrics){3} → weigh → propose_fix → dry_run → assess → apply → roll_back
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_incident_not_verified(replay: Replay) -> None:
    result = replay("incident_not_verified.yaml")

    assert_path(
        result,
        """
        receive → classify → enrich → hypothesis → choose_probe → probe_deploys → (weigh
        → propose_fix → dry_run → assess → apply → verify → roll_back → hypothesis
        → choose_probe → probe_metrics){3} → weigh → propose_fix → dry_run → assess
        → apply → verify → roll_back
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "escalated"


def test_one_agent(replay: Replay) -> None:
    """Replay `stateflow record flows.one_agent --to tests/cassettes/one_agent.yaml`."""
    result = replay("one_agent.yaml")

    assert_path(result, "(plan → execute){2} → review")
    assert result.stop.kind == "done"


def test_one_agent_never_done(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.one_agent \
        --model 'worker=scripted:Plan: five lines.|FAILED' \
        --to tests/cassettes/one_agent_never_done.yaml
    """
    result = replay("one_agent_never_done.yaml")

    assert_path(result, "(plan → execute){3}")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_one_agent_never_right(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.one_agent \
        --model 'worker=scripted:Five.|Lines.|Bad.|Four.|Lines.|Bad.|Six.|Lines.|Bad.' \
        --to tests/cassettes/one_agent_never_right.yaml
    """
    result = replay("one_agent_never_right.yaml")

    assert_path(result, "(plan → execute → review){3}")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_optiguide(replay: Replay) -> None:
    """Replay `stateflow record flows.optiguide --to tests/cassettes/optiguide.yaml`."""
    result = replay("optiguide.yaml")

    assert_path(result, "commander → user")
    assert result.stop.kind == "done"


def test_optiguide_dangerous(replay: Replay) -> None:
    result = replay("optiguide_dangerous.yaml")

    assert_path(result, "commander")
    assert result.stop.kind == "final"
    assert result.stop.state == "refused"


def test_optiguide_mended(replay: Replay) -> None:
    result = replay("optiguide_mended.yaml")

    assert_path(result, "commander → user")
    assert result.stop.kind == "done"


def test_optiguide_never_runs(replay: Replay) -> None:
    result = replay("optiguide_never_runs.yaml")

    assert_path(result, "commander")
    assert result.stop.kind == "final"
    assert result.stop.state == "refused"


def test_pipeline(replay: Replay) -> None:
    """Replay `stateflow record flows.pipeline --to tests/cassettes/pipeline.yaml`."""
    result = replay("pipeline.yaml")

    assert_path(
        result,
        """
        entry → validation → inventory → payment → fulfillment → notification
        """,
    )
    assert result.stop.kind == "done"


def test_pipeline_no_order(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.pipeline --input 'two cups, please' \
        --to tests/cassettes/pipeline_no_order.yaml
    """
    result = replay("pipeline_no_order.yaml")

    assert_path(result, "entry")
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_pipeline_strange(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.pipeline \
        --input '{"number": "A-1", "items": {"sofa": 1}, "card": "4111"}' \
        --to tests/cassettes/pipeline_strange.yaml
    """
    result = replay("pipeline_strange.yaml")

    assert_path(result, "entry → validation")
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_pipeline_sold_out(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.pipeline \
        --input '{"number": "A-2", "items": {"plate": 1}, "card": "4111"}' \
        --to tests/cassettes/pipeline_sold_out.yaml
    """
    result = replay("pipeline_sold_out.yaml")

    assert_path(result, "entry → validation → inventory")
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_pipeline_declined(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.pipeline \
        --input '{"number": "A-3", "items": {"cup": 1}, "card": "5500"}' \
        --to tests/cassettes/pipeline_declined.yaml
    """
    result = replay("pipeline_declined.yaml")

    assert_path(result, "entry → validation → inventory → payment")
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_pipeline_not_packed(replay: Replay) -> None:
    result = replay("pipeline_not_packed.yaml")

    assert_path(result, "entry → validation → inventory → payment → fulfillment")
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_pipeline_not_told(replay: Replay) -> None:
    result = replay("pipeline_not_told.yaml")

    assert_path(
        result,
        """
        entry → validation → inventory → payment → fulfillment → notification
        """,
    )
    assert result.stop.kind == "final"
    assert result.stop.state == "rejected"


def test_plan_execute_review(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.plan_execute_review \
        --to tests/cassettes/plan_execute_review.yaml
    """
    result = replay("plan_execute_review.yaml")

    assert_path(result, "(planner → executor){2} → reviewer")
    assert result.stop.kind == "done"


def test_plan_execute_review_reviewed_twice(replay: Replay) -> None:
    result = replay("plan_execute_review_reviewed_twice.yaml")

    assert_path(result, "(planner → executor → reviewer){2}")
    assert result.stop.kind == "done"


def test_research(replay: Replay) -> None:
    """Replay `stateflow record flows.research --to tests/cassettes/research.yaml`."""
    result = replay("research.yaml")

    assert_path(result, "init → write → run → research")
    assert result.stop.kind == "done"


def test_research_mended(replay: Replay) -> None:
    result = replay("research_mended.yaml")

    assert_path(result, "init → (write → run){2} → research")
    assert result.stop.kind == "done"


def test_research_gives_up(replay: Replay) -> None:
    result = replay("research_gives_up.yaml")

    assert_path(result, "init → (write → run){4}")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_resume_chat(replay: Replay) -> None:
    result = replay("resume_chat.yaml")

    assert_path(
        result,
        """
        Digital_Marketer → Chief_Marketing_Officer
        → "user at stop after Chief_Marketing_Officer"
        """,
    )
    assert result.stop.kind == "done"


def test_resume_chat_three_topics(replay: Replay) -> None:
    result = replay("resume_chat_three_topics.yaml")

    assert_path(
        result,
        """
        (Digital_Marketer → Chief_Marketing_Officer
        → "user at stop after Chief_Marketing_Officer"){2} → Digital_Marketer
        → Chief_Marketing_Officer
        """,
    )
    assert result.stop.kind == "done"


def test_resume_chat_drafted_again(replay: Replay) -> None:
    result = replay("resume_chat_drafted_again.yaml")

    assert_path(
        result,
        """
        (Digital_Marketer → Chief_Marketing_Officer){2}
        → "user at stop after Chief_Marketing_Officer" → Digital_Marketer
        → Chief_Marketing_Officer → "user at stop after Chief_Marketing_Officer"
        """,
    )
    assert result.stop.kind == "done"


def test_resume_chat_ends_with_a_draft(replay: Replay) -> None:
    result = replay("resume_chat_ends_with_a_draft.yaml")

    assert_path(
        result,
        """
        (Digital_Marketer → Chief_Marketing_Officer){3}
        → "user at stop after Chief_Marketing_Officer" → Digital_Marketer
        """,
    )
    assert result.stop.kind == "done"


def test_slogan(replay: Replay) -> None:
    """Replay `stateflow record flows.slogan --to tests/cassettes/slogan.yaml`."""
    result = replay("slogan.yaml")

    assert_path(result, "write → (check → repair){3} → check")
    assert result.stop.kind == "done"


def test_slogan_gives_up(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.slogan --model writer=scripted:no \
        --model fixer=scripted:never --to tests/cassettes/slogan_gives_up.yaml
    """
    result = replay("slogan_gives_up.yaml")

    assert_path(result, "write → (check → repair){7} → check")
    assert result.stop.kind == "final"
    assert result.stop.state == "gave_up"


def test_stock_swarm(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.stock_swarm --to tests/cassettes/stock_swarm.yaml
    """
    result = replay("stock_swarm.yaml")

    assert_path(
        result,
        """
        planner → financial_analyst → planner → news_analyst → planner → writer
        → planner
        """,
    )
    assert result.stop.kind == "done"


def test_stock_swarm_planner_alone(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.stock_swarm --model 'planner=scripted:Let me think.' \
        --to tests/cassettes/stock_swarm_planner_alone.yaml
    """
    result = replay("stock_swarm_planner_alone.yaml")

    assert_path(result, "planner{20}")
    assert result.stop.kind == "done"


def test_stock_swarm_financial_analyst_stays(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.stock_swarm \
        --model 'planner=scripted:transfer_to_financial_analyst({})' \
        --model 'financial_analyst=scripted:Let me think.' \
        --to tests/cassettes/stock_swarm_financial_analyst_stays.yaml
    """
    result = replay("stock_swarm_financial_analyst_stays.yaml")

    assert_path(result, "planner → financial_analyst{19}")
    assert result.stop.kind == "done"


def test_stock_swarm_news_analyst_stays(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.stock_swarm \
        --model 'planner=scripted:transfer_to_news_analyst({})' \
        --model 'news_analyst=scripted:Let me think.' \
        --to tests/cassettes/stock_swarm_news_analyst_stays.yaml
    """
    result = replay("stock_swarm_news_analyst_stays.yaml")

    assert_path(result, "planner → news_analyst{19}")
    assert result.stop.kind == "done"


def test_stock_swarm_writer_stays(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.stock_swarm \
        --model 'planner=scripted:transfer_to_writer({})' \
        --model 'writer=scripted:Let me think.' \
        --to tests/cassettes/stock_swarm_writer_stays.yaml
    """
    result = replay("stock_swarm_writer_stays.yaml")

    assert_path(result, "planner → writer{19}")
    assert result.stop.kind == "done"


def test_triage(replay: Replay) -> None:
    """Replay `stateflow record flows.triage --to tests/cassettes/triage.yaml`."""
    result = replay("triage.yaml")

    assert_path(
        result,
        """
        triage → manage → research{2} → manage → write{2} → manage → sum_up
        """,
    )
    assert result.stop.kind == "done"


def test_writer_critic(replay: Replay) -> None:
    """Replay what this command recorded.

    stateflow record flows.writer_critic --to tests/cassettes/writer_critic.yaml
    """
    result = replay("writer_critic.yaml")

    assert_path(result, "writer → user → writer")
    assert result.stop.kind == "done"


def test_writer_critic_plain(replay: Replay) -> None:
    r"""Replay what this command recorded.

    stateflow record flows.writer_critic:plain \
        --to tests/cassettes/writer_critic_plain.yaml
    """
    result = replay("writer_critic_plain.yaml")

    assert_path(result, "writer → user → writer")
    assert result.stop.kind == "done"
