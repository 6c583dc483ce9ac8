// Addresses of the lab below the prefix at which a proxy serves it, such as /lab.

const { root } = document.documentElement.dataset;
const prefix = root ? `/${root}` : "";

// The address of a path of the lab; one that a page was made with has the prefix already.
export function at(path) {
  return path.startsWith(`${prefix}/`) ? path : prefix + path;
}
