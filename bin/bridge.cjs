#!/usr/bin/env node
'use strict'
/* eslint-disable no-var */

/*
 * The entry point of the command line. It is written in old syntax, so that a Node.js that is too old for the rest
 * prints one sentence instead of a SyntaxError.
 */
var fs = require('fs')
var path = require('path')
var pathToFileURL = require('url').pathToFileURL

var NEEDED = [20, 19]
var version = process.versions.node.split('.').map(Number)
var cli = path.join(__dirname, '..', 'dist', 'src', 'cli.js')

if (version[0] < NEEDED[0] || (version[0] === NEEDED[0] && version[1] < NEEDED[1])) {
  fail('The bridge needs Node.js ' + NEEDED.join('.') + ' or newer. This is Node.js ' + process.versions.node + '.')
} else if (!fs.existsSync(cli)) {
  fail('The bridge is not built yet. Run: npm ci && npm run build')
} else {
  import(pathToFileURL(cli).href).catch(function (error) {
    console.error(error)
    process.exit(1)
  })
}

function fail (message) {
  console.error(message)
  process.exit(1)
}
