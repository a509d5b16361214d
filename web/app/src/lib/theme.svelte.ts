/** Light, dark or as the system has it; and sofa mode. */

export type Theme = "dark" | "light" | "system";

const STORED = "playhouse.theme";
const stored = localStorage.getItem(STORED);

export const look = $state({
  theme: (stored === "light" || stored === "system" ? stored : "dark") as Theme,
  sofa: false,
});

const system = matchMedia("(prefers-color-scheme: light)");

function apply(): void {
  const light = look.theme === "light" || (look.theme === "system" && system.matches);
  document.documentElement.dataset.theme = light ? "light" : "dark";
  const house = getComputedStyle(document.documentElement).getPropertyValue("--house").trim();
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", house);
}

/** Changes the theme and remembers it. */
export function choose(theme: Theme): void {
  look.theme = theme;
  localStorage.setItem(STORED, theme);
  apply();
}

/** Larger for eyes on a sofa, or back. */
export function sit(sofa: boolean): void {
  look.sofa = sofa;
  document.documentElement.toggleAttribute("data-sofa", sofa);
}

export function startTheme(): void {
  apply();
  system.addEventListener("change", apply);
  if (/\b(TV|Web0S|Tizen|BRAVIA|AFT[A-Z])/i.test(navigator.userAgent)) sit(true);
}
