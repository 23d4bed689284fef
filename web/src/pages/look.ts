/* Theme and density, kept on this machine. */
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Density = "roomy" | "dense";
export const look = signal<{ theme: Theme; density: Density }>({
  theme: (localStorage.getItem("hinomi.theme") as Theme | null) ?? "system",
  density: (localStorage.getItem("hinomi.density") as Density | null) ?? "roomy",
});
export function lookUse(change: Partial<{ theme: Theme; density: Density }>): void {
  look.value = { ...look.value, ...change };
  localStorage.setItem("hinomi.theme", look.value.theme);
  localStorage.setItem("hinomi.density", look.value.density);
  lookShow();
}
export function lookShow(): void {
  const root = document.documentElement;
  if (look.value.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = look.value.theme;
  root.dataset.density = look.value.density;
}
