/*
 * Items of a list: a row each, one of them open.  Long lists show a part at a time and are filtered;
 * an item moves by its buttons or by Alt and the arrow keys.
 */
import { useRef, useState } from "preact/hooks";
import { itemName, itemsOf, slugOf, type FormElement, type Group } from "../../api/form";
import { named, say, sayNumber } from "../../words/words";
import { Button } from "../button";
import { Icon } from "../icon";
import { Elements, useForm } from "./form";
import { columnsOf, itemText, lineOf } from "./shown";
import { pathKey, slugProposed, type Path } from "./value";

const PART = 50; /* rows at a time */

/** What can be done with an item; the focus stays with it. */
function ItemActs({ list, at, count, name, onDo }:
  { list: Path; at: number; count: number; name: string; onDo: (act: "up" | "down" | "copy" | "drop") => void }) {
  const id = `${pathKey(list)}/${at}`;
  return (
    <span class="item-acts" key={id}>
      <Button kind="quiet" label={say("form.up", { name })} disabled={at === 0} onPress={() => onDo("up")}>↑</Button>
      <Button kind="quiet" label={say("form.down", { name })} disabled={at === count - 1} onPress={() => onDo("down")}>↓</Button>
      <Button kind="quiet" icon="copy" label={say("form.duplicate", { name })} onPress={() => onDo("copy")}>{""}</Button>
      <Button kind="quiet" icon="close" label={say("form.remove", { name })} onPress={() => onDo("drop")}>{""}</Button>
    </span>
  );
}

function SlugField({ path, item, isNew }: { path: Path; item: Group; isNew: boolean }) {
  const form = useForm();
  const id = form.idOf([...path, "slug"]);
  const wrong = form.issuesAt([...path, "slug"])[0]?.text;
  return (
    <div class={wrong ? "field wrong slug-field" : "field slug-field"}>
      <label class="label" for={id}>{say("form.slug")}<span class="must" aria-hidden="true"> *</span></label>
      <input id={id} class="control mono" type="text" value={slugOf(item)} spellcheck={false} autocomplete="off" maxLength={63}
        aria-describedby={`${id}-help`} aria-invalid={wrong ? true : undefined}
        onInput={(event) => form.put([...path, "slug"], event.currentTarget.value.trim().toLowerCase())} />
      <div id={`${id}-help`} class="small soft">{say(isNew ? "form.slug-new" : "form.slug-known")}</div>
      {wrong && <div class="small field-wrong" role="alert">{wrong}</div>}
    </div>
  );
}

export function ListField({ e, path, level }: { e: FormElement; path: Path; level: number }) {
  const form = useForm();
  const [filter, setFilter] = useState("");
  const [shown, setShown] = useState(PART);
  const [gone, setGone] = useState<{ item: Group; at: number }>();
  const box = useRef<HTMLDivElement>(null);
  const items = itemsOf(form.valueAt(path));
  const open = form.openAt(path);
  const columns = columnsOf(e, 2);
  const wanted = filter.trim().toLowerCase();
  const found = items.map((item, at) => ({ item, at })).filter(({ item, at }) => at === open || wanted === "" || itemText(item).includes(wanted));
  const openPlace = found.findIndex(({ at }) => at === open);
  const first = openPlace >= shown ? found.slice(0, shown).concat(found.slice(openPlace, openPlace + 1)) : found.slice(0, shown);

  const put = (list: Group[]) => form.put(path, list.length > 0 ? list : undefined);
  const focus = (at: number) => window.setTimeout(() => box.current?.querySelector<HTMLElement>(`[data-item="${at}"]`)?.focus(), 30);
  const show = (at: number | null) => form.open(path, at);
  const add = (item: Group, at: number) => {
    const slug = slugProposed(item, e.key, items.map(slugOf));
    put([...items.slice(0, at), { ...item, slug }, ...items.slice(at)]);
    setFilter("");
    setGone(undefined);
    show(at);
    window.setTimeout(() => box.current?.querySelector<HTMLElement>(".item-body :is(input, select, textarea)")?.focus(), 50);
  };
  const act = (at: number, what: "up" | "down" | "copy" | "drop") => {
    const item = items[at]!;
    if (what === "copy") return add(structuredClone(item), at + 1);
    if (what === "drop") {
      put(items.filter((_, i) => i !== at));
      setGone({ item, at });
      show(null);
      return focus(Math.min(at, items.length - 2));
    }
    const to = what === "up" ? at - 1 : at + 1;
    if (to < 0 || to >= items.length) return;
    const moved = [...items];
    moved[at] = moved[to]!;
    moved[to] = item;
    put(moved);
    if (open !== null) show(open === at ? to : open === to ? at : open);
    focus(to);
  };
  const long = items.length > 8;
  const filterId = `${form.idOf(path)}-filter`;
  return (
    <div class={`list-field level-${level}`} ref={box}>
      <div class="row list-head">
        <span class="grow small soft">{say("form.count", { count: sayNumber(items.length) })}</span>
        {long && (
          <span class="list-filter">
            <label class="only-read" for={filterId}>{say("form.filter", { list: named(e.label) })}</label>
            <input id={filterId} class="control" type="search" value={filter} placeholder={say("form.filter-hint")} onInput={(event) => {
              setFilter(event.currentTarget.value);
              setShown(PART);
            }} />
          </span>
        )}
        {long && <Button icon="plus" onPress={() => add({}, items.length)}>{say("form.add", { list: named(e.label) })}</Button>}
      </div>
      {gone && (
        <p class="small soft" role="status">{say("form.removed", { name: itemName(gone.item) })}{" "}
          <Button kind="quiet" onPress={() => {
            put([...items.slice(0, gone.at), gone.item, ...items.slice(gone.at)]);
            setGone(undefined);
          }}>{say("form.undo")}</Button></p>
      )}
      <ol class="items">
        {first.map(({ item, at }) => {
          const here = [...path, at];
          const name = itemName(item) || say("form.nameless");
          const { wrong, missing } = form.countBelow(here);
          return (
            <li key={at} class={at === open ? "item open" : "item"}>
              <div class="item-head">
                <button type="button" class="item-name" data-item={at} aria-expanded={at === open} onClick={() => show(at === open ? null : at)}
                  onKeyDown={(event) => {
                    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
                    event.preventDefault();
                    act(at, event.key === "ArrowUp" ? "up" : "down");
                  }}>
                  <Icon name={at === open ? "down" : "next"} />
                  <span class="item-title">{name}</span>
                  <span class="small soft item-line">
                    {[name === slugOf(item) ? "" : slugOf(item), ...columns.map((c) => lineOf(c, item[c.key], form.sight))].filter(Boolean).join(" · ")}
                  </span>
                  {wrong > 0 && <span class="small field-wrong"><Icon name="warning" /> {say("form.wrong-count", { count: wrong })}</span>}
                  {missing > 0 && <span class="small missing">{say("form.missing-count", { count: missing })}</span>}
                </button>
                <ItemActs list={path} at={at} count={items.length} name={name} onDo={(what) => act(at, what)} />
              </div>
              {at === open && (
                <div class="item-body">
                  <Elements elements={e.elements!} path={here} level={level + 1}
                    first={<SlugField path={here} item={item} isNew={form.isNew(here)} />} />
                </div>
              )}
            </li>
          );
        })}
      </ol>
      {found.length > shown && (
        <Button onPress={() => setShown(shown + 4 * PART)}>{say("form.more", { count: sayNumber(found.length - shown) })}</Button>
      )}
      {wanted !== "" && found.length === 0 && <p class="soft">{say("form.nothing-found")}</p>}
      <div><Button icon="plus" onPress={() => add({}, items.length)}>{say("form.add", { list: named(e.label) })}</Button></div>
    </div>
  );
}
