/* The few signs of the pages, drawn with the text's own colour.  A sign never stands for a word alone. */
const SHAPES = {
  tower: "M12 2 5 7h14zM7.500 8.500h9v4h-9zM9 14l-1.500 8M15 14l1.500 8M8.200 18h7.600",
  queue: "M4 6h16M4 12h16M4 18h10",
  home: "M4 11 12 4l8 7M6 10v10h12V10",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M15.500 15.500 21 21",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M3 20c0-4 2.500-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M17 14c2.500.500 4 2.500 4 6",
  book: "M4 5c3-1 5-1 8 1 3-2 5-2 8-1v14c-3-1-5-1-8 1-3-2-5-2-8-1zM12 6v14",
  health: "M3 12h4l2.500-6 4 12 2.500-6h5",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4.500 3-7 8-7s8 2.500 8 7",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .600-1.500 1.200-1.500 2.400M12 17.500v.500",
  close: "M6 6l12 12M18 6 6 18",
  next: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  down: "M5 9l7 7 7-7",
  check: "M4 12.500 10 18 20 6",
  warning: "M12 4 2.500 20h19zM12 10v5M12 17.500v.500",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7.500V12l3 2",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  filter: "M3 5h18l-7 8v6l-4 2v-8z",
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  device: "M4 5h16v10H4zM9 19h6M12 15v4",
  archive: "M3 5h18v5H3zM5 10v10h14V10M10 14h4",
  package: "M12 3 4 7v10l8 4 8-4V7zM4 7l8 4 8-4M12 11v10",
  hold: "M7 11V7.500a5 5 0 0 1 10 0V11M5 11h14v9H5z",
  turn: "M4 8h12l-3.500-3.500M20 16H8l3.500 3.500",
} as const;
export type IconName = keyof typeof SHAPES;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="1.15em" height="1.15em" fill="none" stroke="currentColor"
      stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" role={label ? "img" : undefined}
      aria-label={label} aria-hidden={label ? undefined : true} focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}
