"""From what a sentence says to the request that it is, or to the several that it may be."""

from collections.abc import Iterator
from itertools import pairwise

from bot.grammar.mistakes import Meaning, Mistake, Unclear, at, in_quotes, insert, swap, without
from bot.grammar.names import name, selector, vm
from bot.grammar.pace import batch, mode
from bot.grammar.sentence import Group, Sentence, Way
from bot.grammar.words import Word
from bot.request import BatchRequest, MoveRequest
from bot.vocabulary import quoted


def request_of(sentence: Sentence) -> MoveRequest | BatchRequest:
    """The request. Raises Mistake and Unclear."""
    _divide(sentence)
    named = [group for group in sentence.groups if group.names]
    if sentence.selector or sentence.evacuate or sentence.everything or (sentence.leaving and not named):
        return _found(sentence, named)
    if not named:
        raise _nothing(sentence)
    if sentence.leaving and not named[0].source:
        named[0].source = sentence.leaving
    _ask_what_is_open(sentence, named)
    moves = tuple(_moves(sentence, named))
    _check_once(moves)
    if len(moves) > 1:
        return batch(sentence, moves=moves)
    for word in sentence.batch.values():
        raise at("not-a-batch", word, "is for several VMs", sentence.text, [without(sentence.text, word)])
    known = {"reason", "when", "incident"}
    return MoveRequest(**moves[0].model_dump(exclude=known), **mode(sentence))


def _nothing(sentence: Sentence) -> Mistake:
    """No VM is named. Where a node is left, all that runs there may be meant; a word of ours may be a name."""
    text, group = sentence.text, sentence.groups[0]
    left = group.source or group.at
    fixes = [f"everything on {quoted(left.text)} to {quoted(group.target.text)}"] if left and group.target else []
    fixes += [f"everything on {quoted(left.text)}"] if left and not fixes else []
    words = [way.said for way in (sentence.way, group.way) if way.said and not way.said.text.startswith("-")]
    fixes += [in_quotes(text, word) for word in words]
    return Mistake("no-vm", f"No VM is named in “{text[:100]}”.", fixes)


def _divide(sentence: Sentence) -> None:
    """The short form: “web-01 worker-05”, and “web-01 worker-03, web-02 worker-04”."""
    for group in tuple(sentence.groups):
        sizes = [len(run.words) for run in group.runs]
        if group.placed or group.at or max(sizes, default=1) == 1:
            continue
        if all(size == 2 for size in sizes) and not sentence.plural and not group.source:
            _pair(sentence, group)
        else:
            raise _vm_or_node(sentence, group)


def _pair(sentence: Sentence, group: Group) -> None:
    pairs = [
        Group(runs=[type(run)([run.words[0]])], target=run.words[1], namespace=group.namespace, way=group.way)
        for run in group.runs
    ]
    index = sentence.groups.index(group)
    sentence.groups[index : index + 1] = pairs


def _vm_or_node(sentence: Sentence, group: Group) -> Unclear:
    """“web-01 web-02 worker-05”: the last may be a node or one more VM."""
    *others, last = group.names
    text = insert(sentence.text, last.start - is_in_quotes(sentence.text, last), "to")
    listed = sentence.text
    for word in reversed(group.names[1:]):
        listed = insert(listed, word.start - is_in_quotes(sentence.text, word), ",")
    vms = ", ".join(word.text for word in others)
    return Unclear(
        f"Is “{last.text}” the node, or one more VM?",
        Meaning(f"{vms} to {last.text}", text),
        Meaning(f"{vms} and {last.text}: all VMs", listed),
    )


def is_in_quotes(text: str, word: Word) -> int:
    """1 where a quote stands before the word, so that nothing gets between them."""
    return int(text[word.start - 1 : word.start] not in ("", " ", ","))


def _ask_what_is_open(sentence: Sentence, named: list[Group]) -> None:
    for group in named:
        if group.at and not group.placed:
            raise _there_or_here(sentence, group)
    for before, group in pairwise(named):
        if before.target and not group.said and not _placed_later(named, group):
            raise _where_to(sentence, named, before, group)
    last = named[-1]
    if len(named) > 1 and last.way.said and not sentence.way.said and not any(g.way.said for g in named[:-1]):
        raise _for_all(sentence, named)


def _placed_later(named: list[Group], group: Group) -> bool:
    return any(each.placed for each in named[named.index(group) :])


def _there_or_here(sentence: Sentence, group: Group) -> Unclear:
    """“web-01 on worker-02”."""
    assert group.at is not None
    assert group.at_word is not None
    node, text = group.at.text, sentence.text
    return Unclear(
        f"Is {node} where it goes, or where it is now?",
        Meaning(f"it goes to {node}", swap(text, group.at_word, "to")),
        Meaning(f"it is on {node} now", swap(text, group.at_word, "from")),
    )


def _where_to(sentence: Sentence, named: list[Group], before: Group, group: Group) -> Unclear:
    """“web-01 to worker-03, web-02”; “web-01, web-02 to worker-03, worker-04”."""
    assert before.target is not None
    text, first, last = sentence.text, group.names[0], group.names[-1]
    end = last.end + is_in_quotes(text, last)
    node = before.target.text
    meanings = [
        Meaning(f"{first.text} to {node} as well", insert(text, end, f"to {quoted(node)}")),
        Meaning(f"{first.text} to any node", insert(text, end, "to any")),
    ]
    nodes = [before.target, *group.names]
    if len(named) == 2 and len(before.names) == len(nodes) > 1:
        pairs = list(zip(before.names, nodes, strict=True))
        each = ", ".join(f"{one.text} to {quoted(other.text)}" for one, other in pairs)
        start = before.names[0].start - is_in_quotes(text, before.names[0])
        label = ", ".join(f"{one.text} to {other.text}" for one, other in pairs)
        meanings.insert(0, Meaning(label, text[:start] + each + text[end:]))
    return Unclear(f"Where is “{first.text}” to go?", *meanings)


def _for_all(sentence: Sentence, named: list[Group]) -> Unclear:
    """“web-01 to worker-03, web-02 to worker-04 --cold”."""
    way = named[-1].way
    moves = tuple(_moves(sentence, named))
    all_alike = tuple(move.model_copy(update={"type": way.type, "replace_rules": way.replace_rules}) for move in moves)
    last = ", ".join(word.text for word in named[-1].names)
    return Unclear(
        f"Is {way.type} meant for all of them?",
        Meaning(f"all {way.type}", str(batch(sentence, moves=all_alike))),
        Meaning(f"only {last} {way.type}", str(batch(sentence, moves=moves))),
    )


def _moves(sentence: Sentence, named: list[Group]) -> Iterator[MoveRequest]:
    text = sentence.text
    shared = sentence.namespace or named[-1].namespace
    for index, group in enumerate(named):
        way = _way(sentence, group)
        source = group.source or (group.at if group.placed else None)
        to = next((each for each in named[index:] if each.placed), group)
        for word in group.names:
            own, vm_name = vm(word, text)
            move = MoveRequest(
                vm=vm_name,
                namespace=_namespace(
                    own, group.namespace or (shared if own is None or len(named) == 1 else None), word, text
                ),
                source=name(source, text) if source else None,
                target=name(to.target, text) if to.target else None,
                type=way.type,
                replace_rules=way.replace_rules,
            )
            if source and move.source and move.source == move.target:
                raise at("same-node", source, "is where it comes from and where it goes to", text)
            yield move


def _namespace(own: str | None, said: Word | None, word: Word, text: str) -> str | None:
    given = name(said, text) if said else None
    if own and given and own != given:
        assert said is not None
        raise at("two-namespaces", word, f"contradicts {given}", text, [without(text, said)])
    return own or given


def _way(sentence: Sentence, group: Group) -> Way:
    return group.way if group.way.said else sentence.way


def _check_once(moves: tuple[MoveRequest, ...]) -> None:
    seen = set()
    for move in moves:
        key = (move.namespace, move.vm)
        if key in seen:
            what = f"{move.namespace}/{move.vm}" if move.namespace else move.vm
            raise Mistake("named-twice", f"{what} is named twice.", remedy="Name each VM once.")
        seen.add(key)


def _found(sentence: Sentence, named: list[Group]) -> BatchRequest:
    """VMs that are not named but found: all on a node, or all with a label."""
    text, group = sentence.text, sentence.groups[-1]
    within = sentence.namespace or group.namespace
    if named:
        word = named[0].names[0]
        rest = without(text, *(each for each in (sentence.evacuate, sentence.everything, sentence.selector) if each))
        why = "is a name, and the rest says that I am to find the VMs"
        raise at("named-and-found", word, why, text, [without(text, *named[0].names), rest])
    node = sentence.evacuate or sentence.leaving or group.source or group.at
    if node is None and sentence.selector is None:
        raise Mistake(
            "all-of-what",
            "All VMs of what? I move all VMs of a node, or those with a label.",
            remedy="For example: everything on worker-02, or --selector app=web",
        )
    read = batch(
        sentence,
        selector=selector(sentence.selector, text) if sentence.selector else None,
        evacuate=name(node, text) if node else None,
        namespace=name(within, text) if within else None,
        target=name(group.target, text) if group.target else None,
        type=_way(sentence, group).type,
        replace_rules=_way(sentence, group).replace_rules,
    )
    if node and read.evacuate == read.target:
        raise at("same-node", node, "is where they come from and where they go to", text)
    return read
