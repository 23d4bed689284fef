/* Several views of one thing: links, so that each has an address and the browser's Back works. */
import "./tabs.css";

export function Tabs({ label, tabs, at }: { label: string; tabs: { id: string; text: string; href: string }[]; at: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === at ? "page" : undefined}>{tab.text}</a>
      ))}
    </nav>
  );
}
