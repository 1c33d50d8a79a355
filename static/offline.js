// @ts-check
// Keeps the page for when there is no network: all files of a build in one cache that has the build's name.
/// <reference lib="webworker" />

// Sets `build`: its name, and the files that the page is made of.
importScripts('build.js');

const { name, files } = /** @type {{ name: string, files: string[] }} */ (self['build']);
const PREFIX = 'quartermeg-';
const CACHE = PREFIX + name;
const scope = self['registration'].scope;

self.addEventListener('install', (event) => {
  // Past the browser's own cache, which may still hold files of the build before.
  const requests = files.map((file) => new Request(new URL(file, scope), { cache: 'reload' }));
  event['waitUntil'](caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const removed = caches
    .keys()
    .then((keys) => keys.filter((key) => key.startsWith(PREFIX) && key !== CACHE))
    .then((old) => Promise.all(old.map((key) => caches.delete(key))));
  event['waitUntil'](removed);
});

// A page that begins may ask for the newer build; while one is open its files do not change.
self.addEventListener('message', (event) => {
  if (event['data'] === 'take over') self['skipWaiting']();
});

self.addEventListener('fetch', (event) => {
  const { request } = /** @type {{ request: Request }} */ (/** @type {unknown} */ (event));
  if (request.method !== 'GET' || !request.url.startsWith(scope)) return;
  const wanted = request.mode === 'navigate' ? new URL('index.html', scope) : request;
  const answer = caches
    .open(CACHE)
    .then((cache) => cache.match(wanted, { ignoreSearch: true }))
    .then((kept) => kept ?? fetch(request));
  event['respondWith'](answer);
});
