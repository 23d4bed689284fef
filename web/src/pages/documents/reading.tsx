/*
 * A version as a document: sections, short lists in full, long ones as a table with a filter beside
 * which one item is read.  When it is printed everything is there.
 */
import { useEffect, useState } from "preact/hooks";
import { itemName, itemsOf, isGroup, slugOf, type Form, type FormElement, type Group } from "../../api/form";
import { Button } from "../../parts/button";
import { Empty } from "../../parts/empty";
import { columnsOf, itemText, lineOf, Shown, type Sight } from "../../parts/form/shown";
import { Table } from "../../parts/table";
import { named, say, sayNumber } from "../../words/words";
import { goQuery } from "../router";

const WHOLE_MAX = 6; /* longer lists are a table */

export interface ReadingProps {
  form: Form;
  document: Group;
  sight: Sight;
  at: string; /* with slugs: what is looked at */
  /** Buttons of a list, such as its CSV. */
  listActs?: (list: FormElement) => preact.ComponentChildren;
  /** Something beside an element, such as who sees it. */
  mark?: (path: string, e: FormElement) => preact.ComponentChildren;
}
interface Inner extends ReadingProps {
  printing: boolean;
}

export const placeId = (path: string): string => `at:${path}`;

function scalarsOf(elements: FormElement[]): FormElement[] {
  return elements.filter((e) => e.type !== "group" && e.type !== "list" && e.key !== "name");
}

/** Labels and values; in a group, what holds unless it is given goes without saying; what says nothing and need not is told in one line at the end. */
function Values({ elements, value, path, p, inGroup }: { elements: FormElement[]; value: Group; path: string; p: Inner; inGroup?: boolean }) {
  const scalars = scalarsOf(elements);
  const summary = Object.values(value).some((inner) => inner === null);
  const closed = scalars.filter((e) => value[e.key] === null); /* summarised: there, and not for this reader */
  const there = scalars.filter((e) => !closed.includes(e) && (value[e.key] !== undefined || (!summary && (e.required || (e.initial && !inGroup)))));
  const absent = summary ? [] : scalars.filter((e) => !there.includes(e) && !closed.includes(e) && !e.hidden);
  return (
    <>
      {there.length > 0 && (
        <dl class="values">
          {there.map((e) => (
            <div key={e.key} class={e.lines || e.type === "words" ? "value wide" : "value"}>
              <dt>{named(e.label)}{p.mark?.(`${path}/${e.key}`, e)}</dt>
              <dd><Shown e={e} value={value[e.key]} sight={p.sight} /></dd>
            </div>
          ))}
        </dl>
      )}
      {closed.length > 0 && <p class="small soft">{say("documents.closed", { elements: closed.map((e) => named(e.label)).join(say("form.comma")) })}</p>}
      {absent.length > 0 && <p class="small soft">{say("documents.unsaid", { elements: absent.map((e) => named(e.label)).join(say("form.comma")) })}</p>}
    </>
  );
}

function Inside({ elements, value, path, level, p, inGroup }:
  { elements: FormElement[]; value: Group; path: string; level: number; p: Inner; inGroup?: boolean }) {
  return (
    <>
      <Values elements={elements} value={value} path={path} p={p} inGroup={inGroup} />
      {elements.filter((e) => e.type === "group" || e.type === "list").map((e) => {
        const inner = value[e.key];
        if (inner === undefined && !e.required) return null;
        return <Part key={e.key} e={e} value={value} path={`${path}/${e.key}`} level={level} p={p} />;
      })}
    </>
  );
}

function Item({ e, item, path, level, p }: { e: FormElement; item: Group; path: string; level: number; p: Inner }) {
  const at = `${path}/${slugOf(item)}`;
  const Heading = (level < 2 ? "h3" : "h4") as "h3";
  const name = itemName(item);
  const words = e.elements?.find((x) => x.key === "name");
  return (
    <article class={p.at === at ? "read-item looked-at" : "read-item"} id={placeId(at)} tabIndex={-1}>
      <Heading>{words && item.name ? <Shown e={words} value={item.name} sight={p.sight} /> : name}
        {name !== slugOf(item) && <span class="slug mono">{slugOf(item)}</span>}{p.mark?.(at, e)}</Heading>
      <Inside elements={e.elements ?? []} value={item} path={at} level={level + 1} p={p} />
    </article>
  );
}

/** A long list: a table, and one of its items beside it. */
function Long({ e, items, path, level, p }: { e: FormElement; items: Group[]; path: string; level: number; p: Inner }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const found = wanted === "" ? items : items.filter((item) => itemText(item).includes(wanted));
  const chosen = items.find((item) => p.at === `${path}/${slugOf(item)}` || p.at.startsWith(`${path}/${slugOf(item)}/`));
  const columns = chosen ? [] : columnsOf(e, 4);
  const place = chosen ? found.indexOf(chosen) : -1;
  const look = (item: Group | undefined) => goQuery({ at: item && `${path}/${slugOf(item)}` });
  const id = `filter:${path}`;
  return (
    <>
      <div class="row no-print">
        <label class="only-read" for={id}>{say("form.filter", { list: named(e.label) })}</label>
        <input id={id} class="control list-filter" type="search" value={filter} placeholder={say("form.filter-hint")}
          onInput={(event) => setFilter(event.currentTarget.value)} />
        <span class="small soft" role="status">{wanted === "" ? say("form.count", { count: sayNumber(items.length) })
          : say("documents.found", { count: sayNumber(found.length), all: sayNumber(items.length) })}</span>
      </div>
      <div class={chosen ? "long-list split" : "long-list"}>
        <Table label={named(e.label)} rows={found} rowKey={slugOf} onPress={look} current={(item) => item === chosen}
          empty={<Empty icon="search" title={say("form.nothing-found")} />}
          columns={[
            { id: "name", head: named(e.elements?.find((x) => x.key === "name")?.label, say("form.slug")), cell: (item) => <>{itemName(item)} {!chosen && itemName(item) !== slugOf(item) && <span class="slug mono">{slugOf(item)}</span>}</> },
            ...columns.map((c, at) => ({
              id: c.key, head: named(c.label), wide: at > 0,
              cell: (item: Group) => lineOf(c, item[c.key] ?? c.initial, p.sight) || (c.required ? <span class="missing small">{say("form.missing")}</span> : ""),
            })),
          ]} />
        {chosen && (
          <div class="long-item" key={slugOf(chosen)}>
            <div class="long-acts no-print">
              <span class="small soft">{place >= 0 && say("documents.place", { place: sayNumber(place + 1), count: sayNumber(found.length) })}</span>
              <Button kind="quiet" icon="back" label={say("documents.previous")} disabled={place < 1} onPress={() => look(found[place - 1])}>{""}</Button>
              <Button kind="quiet" icon="next" label={say("documents.next")} disabled={place < 0 || place >= found.length - 1} onPress={() => look(found[place + 1])}>{""}</Button>
              <Button kind="quiet" icon="close" label={say("common.close")} onPress={() => look(undefined)}>{""}</Button>
            </div>
            <Item e={e} item={chosen} path={path} level={level} p={p} />
          </div>
        )}
      </div>
    </>
  );
}

function Part({ e, value, path, level, p }: { e: FormElement; value: Group; path: string; level: number; p: Inner }) {
  const Heading = (level === 0 ? "h2" : level === 1 ? "h3" : "h4") as "h2";
  const items = e.type === "list" ? itemsOf(value[e.key]) : [];
  const inner = value[e.key];
  return (
    <section class={level === 0 ? "read-part top" : "read-part"} id={placeId(path)} tabIndex={-1}>
      <div class="row">
        <Heading class="grow">{named(e.label)}{p.mark?.(path, e)}</Heading>
        {level === 0 && e.type === "list" && p.listActs?.(e)}
      </div>
      {level === 0 && e.help && <p class="small soft">{named(e.help)}</p>}
      {e.type === "group" && (isGroup(inner)
        ? <Inside elements={e.elements ?? []} value={inner} path={path} level={level + 1} p={p} inGroup />
        : <p class={e.required ? "missing small" : "soft small"}>{say(e.required ? "form.missing" : "form.unsaid")}</p>)}
      {e.type === "list" && items.length === 0 && <p class={e.required ? "missing small" : "soft small"}>{say(e.required ? "form.missing.items" : "documents.no-items")}</p>}
      {items.length > WHOLE_MAX && !p.printing
        ? <Long e={e} items={items} path={path} level={level} p={p} />
        : items.map((item) => <Item key={slugOf(item)} e={e} item={item} path={path} level={level} p={p} />)}
    </section>
  );
}

export function Reading(props: ReadingProps) {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const before = () => setPrinting(true);
    const after = () => setPrinting(false);
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    return () => {
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
    };
  }, []);
  const { form, document: value, at } = props;
  useEffect(() => {
    if (!at) return;
    const place = document.getElementById(placeId(at)) ?? document.getElementById(placeId(at.split("/").slice(0, 2).join("/")));
    place?.scrollIntoView({ block: "nearest" });
    if (document.activeElement === document.body || document.activeElement?.tagName === "H1") place?.focus({ preventScroll: true });
  }, [at, value]);
  const p: Inner = { ...props, printing };
  const scalars = scalarsOf(form.elements);
  const sections = form.elements.filter((e) => e.type === "group" || e.type === "list");
  return (
    <div class="reading">
      {sections.length > 1 && (
        <nav class="reading-contents no-print small" aria-label={say("form.contents")}>
          {sections.map((e) => (
            <button key={e.key} type="button" class="text-button" onClick={() => {
              const place = document.getElementById(placeId(e.key));
              place?.scrollIntoView({ block: "start" });
              place?.focus({ preventScroll: true });
            }}>{named(e.label)}{e.type === "list" && ` (${sayNumber(itemsOf(value[e.key]).length)})`}</button>
          ))}
        </nav>
      )}
      {scalars.length > 0 && <section class="read-part top"><Values elements={form.elements} value={value} path="" p={{ ...p, mark: (path, e) => props.mark?.(path.slice(1), e) }} /></section>}
      {sections.map((e) => (
        <Part key={e.key} e={e} value={value} path={e.key} level={0} p={p} />
      ))}
    </div>
  );
}
