// Stands in for react-style-singleton, which locks page scrolling by adding a <style> tag.
// This page never scrolls, and its Content-Security-Policy allows no inline styles.
export const styleSingleton = () => () => null
