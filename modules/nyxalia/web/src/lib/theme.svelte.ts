export const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

const place = 'arkalia.theme';

/** Light, dark, or what the system says. */
class Appearance {
  theme = $state<Theme>('auto');

  constructor() {
    const kept = localStorage.getItem(place);
    this.theme = themes.find((known) => known === kept) ?? 'auto';
    this.#apply();
  }

  choose(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(place, theme);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.theme;
  }
}

export const appearance = new Appearance();
