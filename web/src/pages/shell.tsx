/* The frame around every page of who is signed in: where one is, whose data these are, and where one can go. */
import "./shell.css";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { clients, hasRole, isProvider, may, mayAnywhere, me, sideOf } from "../api/me";
import { live } from "../api/live";
import { Badge } from "../parts/badge";
import { Button } from "../parts/button";
import { Icon, type IconName } from "../parts/icon";
import { Toasts } from "../parts/toast";
import { named, say } from "../words/words";
import { keysShown, useKeyboard, useKeys, type Key } from "./keys";
import { KeysHelp } from "./keys-help";
import { Settings } from "./settings";
import { go, href, type PageProps } from "./router";
import { signOut } from "./session";

const CHOSEN = "hinomi.client";
/** The client whose pages the frame offers: that of the address, else the last one. */
export function clientNow(params: PageProps["params"]): string {
  const own = clients.value.filter((c) => c.client !== "installation");
  const wanted = params.client ?? sessionStorage.getItem(CHOSEN) ?? "";
  const slug = clients.value.some((c) => c.client === wanted) ? wanted : (own[0]?.client ?? wanted);
  if (slug) sessionStorage.setItem(CHOSEN, slug);
  return slug;
}

interface Item { to: string; icon: IconName; text: string; shown: boolean }
function items(client: string): { all: Item[]; ofClient: Item[] } {
  return {
    all: [
      { to: "/queue", icon: "queue", text: say("queue.title"), shown: isProvider() },
      { to: "/people", icon: "people", text: say("people.title"), shown: mayAnywhere("users") || mayAnywhere("manage") },
      { to: "/health", icon: "health", text: say("health.title"), shown: isProvider() },
    ],
    ofClient: [
      { to: href("clients", client), icon: "home", text: say("home.title"), shown: may(client, "incidents") },
      { to: href("incidents", client), icon: "warning", text: say("nav.incidents"), shown: may(client, "incidents") },
      { to: href("search", client), icon: "search", text: say("search.title"), shown: may(client, "read") },
      { to: href("archive", client), icon: "archive", text: say("archive.title"), shown: may(client, "books") },
      { to: href("provision", client), icon: "package", text: say("provision.title"), shown: may(client, "read") || may(client, "audit") },
      { to: href("documents", client), icon: "document", text: say("documents.title"), shown: may(client, "documents") },
      { to: href("sources", client), icon: "device", text: say("sources.title"), shown: may(client, "books") },
      { to: href("people", client), icon: "people", text: say("people.client-title"), shown: may(client, "incidents") && !hasRole(client, "bidder") },
    ],
  };
}

function Links({ list, path }: { list: Item[]; path: string }) {
  const shown = list.filter((item) => item.shown);
  if (shown.length === 0) return null;
  return (
    <ul>
      {shown.map((item) => (
        <li key={item.to}>
          <a href={item.to} aria-current={path === item.to ? "page" : undefined}>
            <Icon name={item.icon} />
            <span>{item.text}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** `g` and a letter: to a page that this person may open. */
function leads(client: string): Key[] {
  const { all, ofClient } = items(client);
  const letters: [string, string][] = [
    ["q", "/queue"], ["p", "/people"], ["t", "/health"], ["h", href("clients", client)], ["i", href("incidents", client)],
    ["s", href("search", client)], ["d", href("documents", client)], ["b", href("sources", client)],
    ["a", href("archive", client)], ["l", href("provision", client)],
  ];
  return letters.flatMap(([letter, to]) => {
    const item = [...all, ...ofClient].find((one) => one.shown && one.to === to);
    return item ? [{ keys: `g ${letter}`, text: item.text, run: () => go(to) }] : [];
  });
}

/** What has focus may go with what changed, such as the button of a state that is over: then the heading has it. */
function useFocusKept() {
  useEffect(() => {
    let last: Element | null = null;
    const note = (event: FocusEvent) => { last = event.target as Element; };
    const watch = new MutationObserver(() => {
      if (!last || last.isConnected || document.activeElement !== document.body) return;
      /* A dialog gives back by itself what it took. */
      if (!last.closest("dialog")) document.querySelector<HTMLElement>("#content h1")?.focus({ preventScroll: true });
      last = null;
    });
    document.addEventListener("focusin", note);
    watch.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener("focusin", note);
      watch.disconnect();
    };
  }, []);
}

/** Whether what is shown is live, in words. */
function LiveMark() {
  const state = live.value;
  return <Badge tone={state === "live" ? "steady" : "medium"} icon={state === "live" ? "check" : "clock"}>
    {say(state === "live" ? "live.on" : "live.waiting")}</Badge>;
}

export function Shell({ params, path, children }: { params: PageProps["params"]; path: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const [settings, setSettings] = useState(false);
  const client = clientNow(params);
  const { all, ofClient } = items(client);
  const person = me.value;
  useKeyboard();
  useFocusKept();
  useEffect(() => {
    if (!open) return;
    const close = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, [open]);
  useKeys(say("keys.everywhere"), [
    { keys: "?", text: say("keys.help"), run: () => { keysShown.value = true; } },
    ...leads(client),
  ]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content")?.focus(); }}>
        {say("nav.skip")}</a>
      <header class="bar no-print">
        <span class="menu-button"><Button kind="quiet" icon="menu" label={say("nav.menu")} pressed={open}
          onPress={() => setOpen(!open)}>{""}</Button></span>
        <a class="brand" href="/" aria-label="Hinomi"><Icon name="tower" /><span>Hinomi</span></a>
        <span class="grow" />
        <LiveMark />
        <span class="keys-button"><Button kind="quiet" label={say("keys.help")} onPress={() => { keysShown.value = true; }}>
          <kbd>?</kbd></Button></span>
        <Button kind="quiet" onPress={() => setSettings(true)}>{say("nav.settings")}</Button>
        <a class="who" href="/account" aria-label={named(person?.name, person?.person)}><Icon name="account" /><span class="who-name">{named(person?.name, person?.person)}</span></a>
        <Button kind="quiet" onPress={() => void signOut()}>{say("nav.sign-out")}</Button>
      </header>
      <nav class={open ? "side open no-print" : "side no-print"} aria-label={say("nav.label")} onClick={() => setOpen(false)}>
        <Links list={all} path={path} />
        {client && (
          <>
            <div class="side-client" onClick={(event) => event.stopPropagation()}>
              <label class="small soft" for="client-choice">{say("nav.client")}</label>
              <select id="client-choice" class="control" value={client} onChange={(event) => {
                sessionStorage.setItem(CHOSEN, event.currentTarget.value);
                go(href("clients", event.currentTarget.value));
              }}>
                {clients.value.map((c) => <option key={c.client} value={c.client}>{named(c.name, c.client)}</option>)}
              </select>
              <span class="small soft">{say(`nav.side.${sideOf(client)}`)}</span>
            </div>
            <Links list={ofClient} path={path} />
          </>
        )}
      </nav>
      <main id="content" class="content" tabIndex={-1}>{children}</main>
      <Toasts />
      {keysShown.value && <KeysHelp />}
      {settings && <Settings onClose={() => setSettings(false)} />}
    </div>
  );
}
