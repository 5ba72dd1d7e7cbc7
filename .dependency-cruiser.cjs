// Who may import whom: the rooms of the design, kept by a test instead of by memory.
const room = (from, allowed, comment) => ({
  name: `${from.replace(/\W+/g, '-')}-imports`,
  comment,
  severity: 'error',
  from: { path: `^${from}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^(core-wasm|runtime|modules|sandbox|test|deploy|load)/',
    pathNot: allowed.map((path) => `^${path}`),
  },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    room('core-wasm', ['core-wasm/'], 'The hot core imports nothing of ours.'),
    room('sandbox', ['sandbox/'], 'The most exposed code stands alone.'),
    room(
      'runtime',
      ['runtime/', 'core-wasm/index\\.ts', 'sandbox/(index|types)\\.ts', 'modules/[^/]+/index\\.ts'],
      'The kernel uses the hot core and the supervisor by their front doors.',
    ),
    {
      name: 'only-the-assembly-knows-modules',
      comment: 'Only runtime/main.ts knows the list of modules.',
      severity: 'error',
      from: { path: '^runtime/', pathNot: '^runtime/main\\.ts$' },
      to: { path: '^modules/' },
    },
    {
      name: 'modules-use-contracts-only',
      comment: 'A module imports the contracts of the kernel and its own files, never another module.',
      severity: 'error',
      from: { path: '^modules/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(core-wasm|runtime|modules|sandbox|test|deploy|load)/',
        pathNot: ['^runtime/contracts/', '^modules/$1/'],
      },
    },
    {
      name: 'no-cycles',
      comment: 'A component that shows a tree shows itself.',
      severity: 'error',
      from: { pathNot: '\\.svelte$' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['-probe\\.ts$', '\\.(test|d)\\.ts$', '\\.config\\.js$', '^test/'] },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^core-wasm/assembly/' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types'],
      extensions: ['.ts', '.js'],
    },
  },
};
