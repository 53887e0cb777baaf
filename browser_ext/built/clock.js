"use strict";
(() => {
  var __create = Object.create;
  var __defProp = Object.defineProperty;
  var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
  var __getOwnPropNames = Object.getOwnPropertyNames;
  var __getProtoOf = Object.getPrototypeOf;
  var __hasOwnProp = Object.prototype.hasOwnProperty;
  var __require = /* @__PURE__ */ ((x) => typeof require !== "undefined" ? require : typeof Proxy !== "undefined" ? new Proxy(x, {
    get: (a, b) => (typeof require !== "undefined" ? require : a)[b]
  }) : x)(function(x) {
    if (typeof require !== "undefined") return require.apply(this, arguments);
    throw Error('Dynamic require of "' + x + '" is not supported');
  });
  var __commonJS = (cb, mod) => function __require2() {
    try {
      return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
    } catch (e) {
      throw mod = 0, e;
    }
  };
  var __copyProps = (to, from, except, desc) => {
    if (from && typeof from === "object" || typeof from === "function") {
      for (let key of __getOwnPropNames(from))
        if (!__hasOwnProp.call(to, key) && key !== except)
          __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
    }
    return to;
  };
  var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
    // If the importer is in node compatibility mode or this is not an ESM
    // file that has been converted to a CommonJS file using a Babel-
    // compatible transform (i.e. "__esModule" has not been set), then set
    // "default" to the CommonJS "module.exports" for node compatibility.
    isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
    mod
  ));

  // node_modules/@sinonjs/commons/lib/global.js
  var require_global = __commonJS({
    "node_modules/@sinonjs/commons/lib/global.js"(exports, module) {
      "use strict";
      var globalObject;
      if (typeof global !== "undefined") {
        globalObject = global;
      } else if (typeof window !== "undefined") {
        globalObject = window;
      } else {
        globalObject = self;
      }
      module.exports = globalObject;
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/throws-on-proto.js
  var require_throws_on_proto = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/throws-on-proto.js"(exports, module) {
      "use strict";
      var throwsOnProto;
      try {
        const object = {};
        object.__proto__;
        throwsOnProto = false;
      } catch (_) {
        throwsOnProto = true;
      }
      module.exports = throwsOnProto;
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/copy-prototype-methods.js
  var require_copy_prototype_methods = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/copy-prototype-methods.js"(exports, module) {
      "use strict";
      var call = Function.call;
      var throwsOnProto = require_throws_on_proto();
      var disallowedProperties = [
        // ignore size because it throws from Map
        "size",
        "caller",
        "callee",
        "arguments"
      ];
      if (throwsOnProto) {
        disallowedProperties.push("__proto__");
      }
      module.exports = function copyPrototypeMethods(prototype) {
        return Object.getOwnPropertyNames(prototype).reduce(
          function(result, name) {
            if (disallowedProperties.includes(name)) {
              return result;
            }
            if (typeof prototype[name] !== "function") {
              return result;
            }
            result[name] = call.bind(prototype[name]);
            return result;
          },
          /* @__PURE__ */ Object.create(null)
        );
      };
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/array.js
  var require_array = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/array.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(Array.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/called-in-order.js
  var require_called_in_order = __commonJS({
    "node_modules/@sinonjs/commons/lib/called-in-order.js"(exports, module) {
      "use strict";
      var every = require_array().every;
      function hasCallsLeft(callMap, spy) {
        if (callMap[spy.id] === void 0) {
          callMap[spy.id] = 0;
        }
        return callMap[spy.id] < spy.callCount;
      }
      function checkAdjacentCalls(callMap, spy, index, spies) {
        var calledBeforeNext = true;
        if (index !== spies.length - 1) {
          calledBeforeNext = spy.calledBefore(spies[index + 1]);
        }
        if (hasCallsLeft(callMap, spy) && calledBeforeNext) {
          callMap[spy.id] += 1;
          return true;
        }
        return false;
      }
      function calledInOrder(spies) {
        var callMap = {};
        var _spies = arguments.length > 1 ? arguments : spies;
        return every(_spies, checkAdjacentCalls.bind(null, callMap));
      }
      module.exports = calledInOrder;
    }
  });

  // node_modules/@sinonjs/commons/lib/class-name.js
  var require_class_name = __commonJS({
    "node_modules/@sinonjs/commons/lib/class-name.js"(exports, module) {
      "use strict";
      function className(value) {
        const name = value.constructor && value.constructor.name;
        return name || null;
      }
      module.exports = className;
    }
  });

  // node_modules/@sinonjs/commons/lib/deprecated.js
  var require_deprecated = __commonJS({
    "node_modules/@sinonjs/commons/lib/deprecated.js"(exports) {
      "use strict";
      exports.wrap = function(func, msg) {
        var wrapped = function() {
          exports.printWarning(msg);
          return func.apply(this, arguments);
        };
        if (func.prototype) {
          wrapped.prototype = func.prototype;
        }
        return wrapped;
      };
      exports.defaultMsg = function(packageName, funcName) {
        return `${packageName}.${funcName} is deprecated and will be removed from the public API in a future version of ${packageName}.`;
      };
      exports.printWarning = function(msg) {
        if (typeof process === "object" && process.emitWarning) {
          process.emitWarning(msg);
        } else if (console.info) {
          console.info(msg);
        } else {
          console.log(msg);
        }
      };
    }
  });

  // node_modules/@sinonjs/commons/lib/every.js
  var require_every = __commonJS({
    "node_modules/@sinonjs/commons/lib/every.js"(exports, module) {
      "use strict";
      module.exports = function every(obj, fn) {
        var pass = true;
        try {
          obj.forEach(function() {
            if (!fn.apply(this, arguments)) {
              throw new Error();
            }
          });
        } catch (e) {
          pass = false;
        }
        return pass;
      };
    }
  });

  // node_modules/@sinonjs/commons/lib/function-name.js
  var require_function_name = __commonJS({
    "node_modules/@sinonjs/commons/lib/function-name.js"(exports, module) {
      "use strict";
      module.exports = function functionName(func) {
        if (!func) {
          return "";
        }
        try {
          return func.displayName || func.name || // Use function decomposition as a last resort to get function
          // name. Does not rely on function decomposition to work - if it
          // doesn't debugging will be slightly less informative
          // (i.e. toString will say 'spy' rather than 'myFunc').
          (String(func).match(/function ([^\s(]+)/) || [])[1];
        } catch (e) {
          return "";
        }
      };
    }
  });

  // node_modules/@sinonjs/commons/lib/order-by-first-call.js
  var require_order_by_first_call = __commonJS({
    "node_modules/@sinonjs/commons/lib/order-by-first-call.js"(exports, module) {
      "use strict";
      var sort = require_array().sort;
      var slice = require_array().slice;
      function comparator(a, b) {
        var aCall = a.getCall(0);
        var bCall = b.getCall(0);
        var aId = aCall && aCall.callId || -1;
        var bId = bCall && bCall.callId || -1;
        return aId < bId ? -1 : 1;
      }
      function orderByFirstCall(spies) {
        return sort(slice(spies), comparator);
      }
      module.exports = orderByFirstCall;
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/function.js
  var require_function = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/function.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(Function.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/map.js
  var require_map = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/map.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(Map.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/object.js
  var require_object = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/object.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(Object.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/set.js
  var require_set = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/set.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(Set.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/string.js
  var require_string = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/string.js"(exports, module) {
      "use strict";
      var copyPrototype = require_copy_prototype_methods();
      module.exports = copyPrototype(String.prototype);
    }
  });

  // node_modules/@sinonjs/commons/lib/prototypes/index.js
  var require_prototypes = __commonJS({
    "node_modules/@sinonjs/commons/lib/prototypes/index.js"(exports, module) {
      "use strict";
      module.exports = {
        array: require_array(),
        function: require_function(),
        map: require_map(),
        object: require_object(),
        set: require_set(),
        string: require_string()
      };
    }
  });

  // node_modules/type-detect/type-detect.js
  var require_type_detect = __commonJS({
    "node_modules/type-detect/type-detect.js"(exports, module) {
      (function(global2, factory) {
        typeof exports === "object" && typeof module !== "undefined" ? module.exports = factory() : typeof define === "function" && define.amd ? define(factory) : global2.typeDetect = factory();
      })(exports, (function() {
        "use strict";
        var promiseExists = typeof Promise === "function";
        var globalObject = typeof self === "object" ? self : global;
        var symbolExists = typeof Symbol !== "undefined";
        var mapExists = typeof Map !== "undefined";
        var setExists = typeof Set !== "undefined";
        var weakMapExists = typeof WeakMap !== "undefined";
        var weakSetExists = typeof WeakSet !== "undefined";
        var dataViewExists = typeof DataView !== "undefined";
        var symbolIteratorExists = symbolExists && typeof Symbol.iterator !== "undefined";
        var symbolToStringTagExists = symbolExists && typeof Symbol.toStringTag !== "undefined";
        var setEntriesExists = setExists && typeof Set.prototype.entries === "function";
        var mapEntriesExists = mapExists && typeof Map.prototype.entries === "function";
        var setIteratorPrototype = setEntriesExists && Object.getPrototypeOf((/* @__PURE__ */ new Set()).entries());
        var mapIteratorPrototype = mapEntriesExists && Object.getPrototypeOf((/* @__PURE__ */ new Map()).entries());
        var arrayIteratorExists = symbolIteratorExists && typeof Array.prototype[Symbol.iterator] === "function";
        var arrayIteratorPrototype = arrayIteratorExists && Object.getPrototypeOf([][Symbol.iterator]());
        var stringIteratorExists = symbolIteratorExists && typeof String.prototype[Symbol.iterator] === "function";
        var stringIteratorPrototype = stringIteratorExists && Object.getPrototypeOf(""[Symbol.iterator]());
        var toStringLeftSliceLength = 8;
        var toStringRightSliceLength = -1;
        function typeDetect(obj) {
          var typeofObj = typeof obj;
          if (typeofObj !== "object") {
            return typeofObj;
          }
          if (obj === null) {
            return "null";
          }
          if (obj === globalObject) {
            return "global";
          }
          if (Array.isArray(obj) && (symbolToStringTagExists === false || !(Symbol.toStringTag in obj))) {
            return "Array";
          }
          if (typeof window === "object" && window !== null) {
            if (typeof window.location === "object" && obj === window.location) {
              return "Location";
            }
            if (typeof window.document === "object" && obj === window.document) {
              return "Document";
            }
            if (typeof window.navigator === "object") {
              if (typeof window.navigator.mimeTypes === "object" && obj === window.navigator.mimeTypes) {
                return "MimeTypeArray";
              }
              if (typeof window.navigator.plugins === "object" && obj === window.navigator.plugins) {
                return "PluginArray";
              }
            }
            if ((typeof window.HTMLElement === "function" || typeof window.HTMLElement === "object") && obj instanceof window.HTMLElement) {
              if (obj.tagName === "BLOCKQUOTE") {
                return "HTMLQuoteElement";
              }
              if (obj.tagName === "TD") {
                return "HTMLTableDataCellElement";
              }
              if (obj.tagName === "TH") {
                return "HTMLTableHeaderCellElement";
              }
            }
          }
          var stringTag = symbolToStringTagExists && obj[Symbol.toStringTag];
          if (typeof stringTag === "string") {
            return stringTag;
          }
          var objPrototype = Object.getPrototypeOf(obj);
          if (objPrototype === RegExp.prototype) {
            return "RegExp";
          }
          if (objPrototype === Date.prototype) {
            return "Date";
          }
          if (promiseExists && objPrototype === Promise.prototype) {
            return "Promise";
          }
          if (setExists && objPrototype === Set.prototype) {
            return "Set";
          }
          if (mapExists && objPrototype === Map.prototype) {
            return "Map";
          }
          if (weakSetExists && objPrototype === WeakSet.prototype) {
            return "WeakSet";
          }
          if (weakMapExists && objPrototype === WeakMap.prototype) {
            return "WeakMap";
          }
          if (dataViewExists && objPrototype === DataView.prototype) {
            return "DataView";
          }
          if (mapExists && objPrototype === mapIteratorPrototype) {
            return "Map Iterator";
          }
          if (setExists && objPrototype === setIteratorPrototype) {
            return "Set Iterator";
          }
          if (arrayIteratorExists && objPrototype === arrayIteratorPrototype) {
            return "Array Iterator";
          }
          if (stringIteratorExists && objPrototype === stringIteratorPrototype) {
            return "String Iterator";
          }
          if (objPrototype === null) {
            return "Object";
          }
          return Object.prototype.toString.call(obj).slice(toStringLeftSliceLength, toStringRightSliceLength);
        }
        return typeDetect;
      }));
    }
  });

  // node_modules/@sinonjs/commons/lib/type-of.js
  var require_type_of = __commonJS({
    "node_modules/@sinonjs/commons/lib/type-of.js"(exports, module) {
      "use strict";
      var type = require_type_detect();
      module.exports = function typeOf(value) {
        return type(value).toLowerCase();
      };
    }
  });

  // node_modules/@sinonjs/commons/lib/value-to-string.js
  var require_value_to_string = __commonJS({
    "node_modules/@sinonjs/commons/lib/value-to-string.js"(exports, module) {
      "use strict";
      function valueToString(value) {
        if (value && value.toString) {
          return value.toString();
        }
        return String(value);
      }
      module.exports = valueToString;
    }
  });

  // node_modules/@sinonjs/commons/lib/index.js
  var require_lib = __commonJS({
    "node_modules/@sinonjs/commons/lib/index.js"(exports, module) {
      "use strict";
      module.exports = {
        global: require_global(),
        calledInOrder: require_called_in_order(),
        className: require_class_name(),
        deprecated: require_deprecated(),
        every: require_every(),
        functionName: require_function_name(),
        orderByFirstCall: require_order_by_first_call(),
        prototypes: require_prototypes(),
        typeOf: require_type_of(),
        valueToString: require_value_to_string()
      };
    }
  });

  // node_modules/@sinonjs/fake-timers/src/fake-timers-src.js
  var require_fake_timers_src = __commonJS({
    "node_modules/@sinonjs/fake-timers/src/fake-timers-src.js"(exports, module) {
      "use strict";
      var globalObject = require_lib().global;
      var timersModule;
      var timersPromisesModule;
      var perfHooksModule;
      if (typeof __require === "function" && typeof module === "object") {
        try {
          timersModule = __require("timers");
        } catch {
        }
        try {
          timersPromisesModule = __require("timers/promises");
        } catch {
        }
        try {
          perfHooksModule = __require("perf_hooks");
        } catch {
        }
      }
      function withGlobal(globalNamespace) {
        const _global = (
          /** @type {GlobalObject} */
          globalNamespace
        );
        const maxTimeout = 2 ** 31 - 1;
        const idCounterStart = 1e12;
        const NOOP = function() {
          return void 0;
        };
        const NOOP_ARRAY = function() {
          return [];
        };
        const isPresent = {};
        const perfHooksNowDescriptors = /* @__PURE__ */ new WeakMap();
        let timeoutResult, addTimerReturnsObject = false;
        if (_global.setTimeout) {
          isPresent.setTimeout = true;
          timeoutResult = _global.setTimeout(NOOP, 0);
          addTimerReturnsObject = typeof timeoutResult === "object";
        }
        isPresent.clearTimeout = Boolean(_global.clearTimeout);
        isPresent.setInterval = Boolean(_global.setInterval);
        isPresent.clearInterval = Boolean(_global.clearInterval);
        isPresent.hrtime = _global.process && typeof _global.process.hrtime === "function";
        isPresent.hrtimeBigint = isPresent.hrtime && typeof _global.process.hrtime.bigint === "function";
        isPresent.nextTick = _global.process && typeof _global.process.nextTick === "function";
        const utilPromisify = _global.process && __require("util").promisify;
        isPresent.performance = _global.performance && typeof _global.performance.now === "function";
        const hasPerformancePrototype = _global.Performance && (typeof _global.Performance).match(/^(function|object)$/);
        const hasPerformanceConstructorPrototype = _global.performance && _global.performance.constructor && _global.performance.constructor.prototype;
        isPresent.queueMicrotask = Object.hasOwn(_global, "queueMicrotask");
        isPresent.requestAnimationFrame = _global.requestAnimationFrame && typeof _global.requestAnimationFrame === "function";
        isPresent.cancelAnimationFrame = _global.cancelAnimationFrame && typeof _global.cancelAnimationFrame === "function";
        isPresent.requestIdleCallback = _global.requestIdleCallback && typeof _global.requestIdleCallback === "function";
        isPresent.cancelIdleCallback = _global.cancelIdleCallback && typeof _global.cancelIdleCallback === "function";
        isPresent.setImmediate = _global.setImmediate && typeof _global.setImmediate === "function";
        isPresent.clearImmediate = _global.clearImmediate && typeof _global.clearImmediate === "function";
        isPresent.Intl = _global.Intl && typeof _global.Intl === "object";
        isPresent.Temporal = _global.Temporal !== null && typeof _global.Temporal === "object" && typeof _global.Temporal.Now !== "undefined" && typeof _global.Temporal.Instant !== "undefined";
        isPresent.scheduler = _global.scheduler && typeof _global.scheduler === "object" && typeof _global.scheduler.postTask === "function";
        if (_global.clearTimeout) {
          _global.clearTimeout(timeoutResult);
        }
        const NativeDate = _global.Date;
        const NativeIntl = isPresent.Intl ? Object.defineProperties(
          /* @__PURE__ */ Object.create(null),
          Object.getOwnPropertyDescriptors(_global.Intl)
        ) : void 0;
        const NativeTemporal = isPresent.Temporal ? _global.Temporal : void 0;
        let uniqueTimerId = idCounterStart;
        let uniqueTimerOrder = 0;
        if (NativeDate === void 0) {
          throw new Error(
            "The global scope doesn't have a `Date` object (see https://github.com/sinonjs/sinon/issues/1852#issuecomment-419622780)"
          );
        }
        isPresent.Date = true;
        class FakePerformanceEntry {
          constructor(name, entryType, startTime, duration) {
            this.name = name;
            this.entryType = entryType;
            this.startTime = startTime;
            this.duration = duration;
          }
          toJSON() {
            return JSON.stringify({ ...this });
          }
        }
        function checkIsNearInfiniteLimit(clock2, i) {
          if (clock2.loopLimit && i === clock2.loopLimit - 1) {
            clock2.isNearInfiniteLimit = true;
          }
        }
        function resetIsNearInfiniteLimit(clock2) {
          if (clock2) {
            clock2.isNearInfiniteLimit = false;
          }
        }
        function parseTime(str) {
          if (!str) {
            return 0;
          }
          const strings = str.split(":");
          const l = strings.length;
          let i = l;
          let ms = 0;
          let parsed;
          if (l > 3 || !/^(\d\d:){0,2}\d\d?$/.test(str)) {
            throw new Error(
              "tick only understands numbers, 'm:s' and 'h:m:s'. Each part must be two digits"
            );
          }
          while (i--) {
            parsed = parseInt(strings[i], 10);
            if (parsed >= 60) {
              throw new Error(`Invalid time ${str}`);
            }
            ms += parsed * 60 ** (l - i - 1);
          }
          return ms * 1e3;
        }
        function nanoRemainder(msFloat) {
          const modulo = 1e6;
          const remainder = msFloat * 1e6 % modulo;
          const positiveRemainder = remainder < 0 ? remainder + modulo : remainder;
          return Math.floor(positiveRemainder);
        }
        function getEpoch(epoch) {
          if (!epoch) {
            return 0;
          }
          if (typeof epoch === "number") {
            return epoch;
          }
          if (typeof /** @type {Date} */
          epoch.getTime === "function") {
            return (
              /** @type {Date} */
              epoch.getTime()
            );
          }
          if (typeof /** @type {TemporalTimelike} */
          epoch.epochMilliseconds === "number") {
            return (
              /** @type {TemporalTimelike} */
              epoch.epochMilliseconds
            );
          }
          throw new TypeError("now should be milliseconds since UNIX epoch");
        }
        function inRange(from, to, timer) {
          return timer && timer.callAt >= from && timer.callAt <= to;
        }
        function getInfiniteLoopError(clock2, job) {
          const infiniteLoopError = new Error(
            `Aborting after running ${clock2.loopLimit} timers, assuming an infinite loop!`
          );
          if (!job.error) {
            return infiniteLoopError;
          }
          const computedTargetPattern = /target\.*[<|(|[].*?[>|\]|)]\s*/;
          let clockMethodPattern = new RegExp(
            String(Object.keys(clock2).join("|"))
          );
          if (addTimerReturnsObject) {
            clockMethodPattern = new RegExp(
              `\\s+at (Object\\.)?(?:${Object.keys(clock2).join("|")})\\s+`
            );
          }
          let matchedLineIndex = -1;
          job.error.stack.split("\n").some((line, i) => {
            const matchedComputedTarget = line.match(computedTargetPattern);
            if (matchedComputedTarget) {
              matchedLineIndex = i;
              return true;
            }
            const matchedClockMethod = line.match(clockMethodPattern);
            if (matchedClockMethod) {
              matchedLineIndex = i;
              return false;
            }
            return matchedLineIndex >= 0;
          });
          const stack = `${infiniteLoopError}
${job.type || "Microtask"} - ${job.func.name || "anonymous"}
${job.error.stack.split("\n").slice(matchedLineIndex + 1).join("\n")}`;
          try {
            Object.defineProperty(infiniteLoopError, "stack", {
              value: stack
            });
          } catch {
          }
          return infiniteLoopError;
        }
        function createDate() {
          class ClockDate extends NativeDate {
            /** @type {Clock} */
            static clock;
            constructor(...args) {
              if (args.length === 0) {
                super(ClockDate.clock.now);
              } else {
                super(...args);
              }
              Object.defineProperty(this, "constructor", {
                value: NativeDate,
                enumerable: false
              });
            }
            static [Symbol.hasInstance](instance) {
              return instance instanceof NativeDate;
            }
          }
          ClockDate.isFake = true;
          if (NativeDate.now) {
            ClockDate.now = function now() {
              return ClockDate.clock.now;
            };
          }
          const NativeDateWithToSource = (
            /** @type {typeof Date & { toSource?: () => string }} */
            NativeDate
          );
          if (NativeDateWithToSource.toSource) {
            ClockDate.toSource = function toSource() {
              return NativeDateWithToSource.toSource();
            };
          }
          ClockDate.toString = function toString() {
            return NativeDateWithToSource.toString();
          };
          const ClockDateProxy = new Proxy(ClockDate, {
            // handler for [[Call]] invocations (i.e. not using `new`)
            apply() {
              if (this instanceof ClockDate) {
                throw new TypeError(
                  "A Proxy should only capture `new` calls with the `construct` handler. This is not supposed to be possible, so check the logic."
                );
              }
              return new NativeDate(ClockDate.clock.now).toString();
            }
          });
          return (
            /** @type {typeof Date & { clock: Clock }} */
            /** @type {unknown} */
            ClockDateProxy
          );
        }
        function createIntl(clock2) {
          const IntlWithClock = { clock: clock2 };
          Object.getOwnPropertyNames(NativeIntl).forEach(
            (property) => IntlWithClock[property] = NativeIntl[property]
          );
          IntlWithClock.DateTimeFormat = function(...args) {
            const realFormatter = new NativeIntl.DateTimeFormat(...args);
            const formatter = {};
            ["formatRange", "formatRangeToParts", "resolvedOptions"].forEach(
              (method) => {
                formatter[method] = realFormatter[method].bind(realFormatter);
              }
            );
            ["format", "formatToParts"].forEach((method) => {
              formatter[method] = function(date) {
                return realFormatter[method](
                  date === void 0 ? IntlWithClock.clock.now : date
                );
              };
            });
            return formatter;
          };
          IntlWithClock.DateTimeFormat.prototype = Object.create(
            NativeIntl.DateTimeFormat.prototype
          );
          IntlWithClock.DateTimeFormat.supportedLocalesOf = NativeIntl.DateTimeFormat.supportedLocalesOf;
          return IntlWithClock;
        }
        function createTemporal(clock2, getNanos) {
          const fakeNow = {
            instant() {
              return NativeTemporal.Instant.fromEpochNanoseconds(
                BigInt(clock2.now) * 1000000n + BigInt(getNanos())
              );
            },
            timeZoneId() {
              return NativeTemporal.Now.timeZoneId();
            },
            zonedDateTimeISO(timeZone) {
              const tz = timeZone ?? NativeTemporal.Now.timeZoneId();
              return fakeNow.instant().toZonedDateTimeISO(tz);
            },
            plainDateTimeISO(timeZone) {
              return fakeNow.zonedDateTimeISO(timeZone).toPlainDateTime();
            },
            plainDateISO(timeZone) {
              return fakeNow.zonedDateTimeISO(timeZone).toPlainDate();
            },
            plainTimeISO(timeZone) {
              return fakeNow.zonedDateTimeISO(timeZone).toPlainTime();
            }
          };
          const TemporalWithClock = Object.create(
            Object.getPrototypeOf(NativeTemporal)
          );
          [
            ...Object.getOwnPropertyNames(NativeTemporal),
            ...Object.getOwnPropertySymbols(NativeTemporal)
          ].forEach((prop) => {
            Object.defineProperty(
              TemporalWithClock,
              prop,
              Object.getOwnPropertyDescriptor(NativeTemporal, prop)
            );
          });
          Object.defineProperty(TemporalWithClock, "Now", {
            value: fakeNow,
            writable: true,
            enumerable: false,
            configurable: true
          });
          return TemporalWithClock;
        }
        function enqueueJob(clock2, job) {
          if (!clock2.jobs) {
            clock2.jobs = [];
          }
          clock2.jobs.push(job);
        }
        function runJobs(clock2) {
          if (!clock2.jobs) {
            return;
          }
          const wasNearLimit = clock2.isNearInfiniteLimit;
          for (let i = 0; i < clock2.jobs.length; i++) {
            const job = clock2.jobs[i];
            job.func.apply(null, job.args);
            checkIsNearInfiniteLimit(clock2, i);
            if (clock2.loopLimit && i > clock2.loopLimit) {
              throw getInfiniteLoopError(clock2, job);
            }
          }
          if (!wasNearLimit) {
            resetIsNearInfiniteLimit(clock2);
          }
          clock2.jobs = [];
        }
        class TimerHeap {
          constructor() {
            this.timers = [];
          }
          /**
           * Look at the next timer without removing it.
           * This is the timer the clock would run first if time advanced now.
           * @returns {Timer}
           */
          peek() {
            return this.timers[0];
          }
          /**
           * Add a timer to the waiting room, then move it upward until it is in
           * the right place relative to the timers it should run before and after.
           * @param {Timer} timer
           */
          push(timer) {
            this.timers.push(timer);
            this.bubbleUp(this.timers.length - 1);
          }
          /**
           * Remove and return the next timer to run.
           *
           * We pull the front timer out, move the last timer into the empty spot,
           * and then shift that replacement down until the ordering is correct
           * again. That avoids rebuilding the whole list from scratch.
           * @returns {Timer|undefined}
           */
          pop() {
            if (this.timers.length === 0) {
              return void 0;
            }
            const first = this.timers[0];
            const last = this.timers.pop();
            if (this.timers.length > 0) {
              this.timers[0] = last;
              last.heapIndex = 0;
              this.bubbleDown(0);
            }
            delete first.heapIndex;
            return first;
          }
          /**
           * Remove a specific timer from the waiting room.
           *
           * The heap stores timers in a shape that lets us jump directly to the
           * timer's current position, replace it with the last timer, and then
           * move that replacement up or down until the ordering is correct again.
           * @param {Timer} timer
           * @returns {boolean}
           */
          remove(timer) {
            const index = timer.heapIndex;
            if (index === void 0 || this.timers[index] !== timer) {
              return false;
            }
            const last = this.timers.pop();
            if (timer !== last) {
              this.timers[index] = last;
              last.heapIndex = index;
              if (compareTimers(last, timer) < 0) {
                this.bubbleUp(index);
              } else {
                this.bubbleDown(index);
              }
            }
            delete timer.heapIndex;
            return true;
          }
          /**
           * Move a timer toward the front until it is no longer "earlier" than
           * the timer above it.
           *
           * Conceptually, this is what happens when something newly scheduled
           * turns out to belong ahead of its parent in the waiting room. We keep
           * swapping it upward until it is no longer out of place.
           * @param {number} index
           */
          bubbleUp(index) {
            const timer = this.timers[index];
            let currentIndex = index;
            while (currentIndex > 0) {
              const parentIndex = Math.floor((currentIndex - 1) / 2);
              const parent = this.timers[parentIndex];
              if (compareTimers(timer, parent) < 0) {
                this.timers[currentIndex] = parent;
                parent.heapIndex = currentIndex;
                currentIndex = parentIndex;
              } else {
                break;
              }
            }
            this.timers[currentIndex] = timer;
            timer.heapIndex = currentIndex;
          }
          /**
           * Move a timer away from the front until the timer below it is no
           * longer supposed to run after it.
           *
           * This is the opposite of `bubbleUp`: when a timer at the front is
           * removed or moved, the replacement may be too far ahead, so we
           * repeatedly swap it downward with the best child until the waiting
           * room is ordered again.
           * @param {number} index
           */
          bubbleDown(index) {
            const timer = this.timers[index];
            let currentIndex = index;
            const halfLength = Math.floor(this.timers.length / 2);
            while (currentIndex < halfLength) {
              const leftIndex = currentIndex * 2 + 1;
              const rightIndex = leftIndex + 1;
              let bestChildIndex = leftIndex;
              let bestChild = this.timers[leftIndex];
              if (rightIndex < this.timers.length && compareTimers(this.timers[rightIndex], bestChild) < 0) {
                bestChildIndex = rightIndex;
                bestChild = this.timers[rightIndex];
              }
              if (compareTimers(bestChild, timer) < 0) {
                this.timers[currentIndex] = bestChild;
                bestChild.heapIndex = currentIndex;
                currentIndex = bestChildIndex;
              } else {
                break;
              }
            }
            this.timers[currentIndex] = timer;
            timer.heapIndex = currentIndex;
          }
        }
        function ensureTimerState(clock2) {
          if (!clock2.timers) {
            clock2.timers = /* @__PURE__ */ new Map();
            clock2.timerHeap = new TimerHeap();
          }
        }
        function hasTimer(clock2, id) {
          return clock2.timers ? clock2.timers.has(id) : false;
        }
        function getTimer(clock2, id) {
          return clock2.timers ? clock2.timers.get(id) : void 0;
        }
        function setTimer(clock2, timer) {
          ensureTimerState(clock2);
          clock2.timers.set(timer.id, timer);
        }
        function deleteTimer(clock2, id) {
          return clock2.timers ? clock2.timers.delete(id) : false;
        }
        function forEachActiveTimer(clock2, callback) {
          if (!clock2.timers) {
            return;
          }
          for (const timer of clock2.timers.values()) {
            callback(timer);
          }
        }
        function rebuildTimerHeap(clock2) {
          clock2.timerHeap = new TimerHeap();
          forEachActiveTimer(clock2, (timer) => {
            clock2.timerHeap.push(timer);
          });
        }
        function addTimer(clock2, timer) {
          if (timer.func === void 0) {
            throw new Error("Callback must be provided to timer calls");
          }
          if (typeof timer.func !== "function") {
            throw new TypeError(
              `[ERR_INVALID_CALLBACK]: Callback must be a function. Received ${timer.func} of type ${typeof timer.func}`
            );
          }
          if (clock2.isNearInfiniteLimit) {
            timer.error = new Error();
          }
          timer.type = timer.immediate ? "Immediate" : "Timeout";
          if (Object.hasOwn(timer, "delay")) {
            if (typeof timer.delay !== "number") {
              timer.delay = parseInt(timer.delay, 10);
            }
            if (!Number.isFinite(timer.delay)) {
              timer.delay = 0;
            }
            timer.delay = timer.delay > maxTimeout ? 1 : timer.delay;
            timer.delay = Math.max(0, timer.delay);
          }
          if (Object.hasOwn(timer, "interval")) {
            timer.type = "Interval";
            if (!Number.isFinite(timer.interval)) {
              timer.interval = 1;
            }
            timer.interval = timer.interval > maxTimeout ? 1 : timer.interval;
          }
          if (Object.hasOwn(timer, "animation")) {
            timer.type = "AnimationFrame";
            timer.animation = true;
          }
          if (Object.hasOwn(timer, "requestIdleCallback")) {
            if (!timer.delay) {
              timer.type = "IdleCallback";
            }
            timer.requestIdleCallback = true;
          }
          ensureTimerState(clock2);
          while (hasTimer(clock2, uniqueTimerId)) {
            uniqueTimerId++;
            if (uniqueTimerId >= Number.MAX_SAFE_INTEGER) {
              uniqueTimerId = idCounterStart;
            }
          }
          timer.id = uniqueTimerId++;
          if (uniqueTimerId >= Number.MAX_SAFE_INTEGER) {
            uniqueTimerId = idCounterStart;
          }
          timer.order = uniqueTimerOrder++;
          timer.createdAt = clock2.now;
          timer.callAt = clock2.now + (parseInt(String(timer.delay)) || (clock2.duringTick ? 1 : 0));
          setTimer(clock2, timer);
          clock2.timerHeap.push(timer);
          if (addTimerReturnsObject) {
            const res = {
              refed: true,
              ref() {
                this.refed = true;
                return this;
              },
              unref() {
                this.refed = false;
                return this;
              },
              hasRef() {
                return this.refed;
              },
              refresh() {
                timer.callAt = clock2.now + (parseInt(String(timer.delay)) || (clock2.duringTick ? 1 : 0));
                clock2.timerHeap.remove(timer);
                timer.order = uniqueTimerOrder++;
                setTimer(clock2, timer);
                clock2.timerHeap.push(timer);
                return this;
              },
              [Symbol.toPrimitive]() {
                return timer.id;
              }
            };
            return res;
          }
          return timer.id;
        }
        function compareTimers(a, b) {
          if (a.callAt < b.callAt) {
            return -1;
          }
          if (a.callAt > b.callAt) {
            return 1;
          }
          if (a.type === "IdleCallback" && b.type !== "IdleCallback") {
            return 1;
          }
          if (a.type !== "IdleCallback" && b.type === "IdleCallback") {
            return -1;
          }
          if (a.immediate && !b.immediate) {
            return -1;
          }
          if (!a.immediate && b.immediate) {
            return 1;
          }
          if (a.order < b.order) {
            return -1;
          }
          if (a.order > b.order) {
            return 1;
          }
          if (a.createdAt < b.createdAt) {
            return -1;
          }
          if (a.createdAt > b.createdAt) {
            return 1;
          }
          if (a.id < b.id) {
            return -1;
          }
          if (a.id > b.id) {
            return 1;
          }
          return 0;
        }
        function firstTimerInRange(clock2, from, to) {
          if (!clock2.timerHeap) {
            return null;
          }
          const timers3 = clock2.timerHeap.timers;
          if (timers3.length === 1 && timers3[0].requestIdleCallback) {
            return timers3[0];
          }
          const first = clock2.timerHeap.peek();
          if (first && inRange(from, to, first)) {
            return first;
          }
          let timer = null;
          for (const candidate of timers3) {
            if (inRange(from, to, candidate) && (!timer || compareTimers(timer, candidate) === 1)) {
              timer = candidate;
            }
          }
          return timer;
        }
        function firstTimer(clock2) {
          if (!clock2.timerHeap) {
            return null;
          }
          return clock2.timerHeap.peek() || null;
        }
        function lastTimer(clock2) {
          if (!clock2.timerHeap) {
            return null;
          }
          const timers3 = clock2.timerHeap.timers;
          let timer = null;
          for (const candidate of timers3) {
            if (!timer || compareTimers(timer, candidate) === -1) {
              timer = candidate;
            }
          }
          return timer;
        }
        function callTimer(clock2, timer) {
          if (!hasTimer(clock2, timer.id)) {
            return;
          }
          if (typeof timer.interval === "number") {
            clock2.timerHeap.remove(timer);
            timer.callAt += timer.interval;
            timer.order = uniqueTimerOrder++;
            if (clock2.isNearInfiniteLimit) {
              timer.error = new Error();
            }
            if (hasTimer(clock2, timer.id)) {
              clock2.timerHeap.push(timer);
            }
          } else {
            deleteTimer(clock2, timer.id);
            clock2.timerHeap.remove(timer);
          }
          if (typeof timer.func === "function") {
            timer.func.apply(null, timer.args);
          }
        }
        function getClearHandler(ttype) {
          if (ttype === "IdleCallback" || ttype === "AnimationFrame") {
            return `cancel${ttype}`;
          }
          return `clear${ttype}`;
        }
        function getScheduleHandler(ttype) {
          if (ttype === "IdleCallback" || ttype === "AnimationFrame") {
            return `request${ttype}`;
          }
          return `set${ttype}`;
        }
        function createWarnOnce() {
          let calls = 0;
          return function(msg) {
            !calls++ && console.warn(msg);
          };
        }
        const warnOnce = createWarnOnce();
        function clearTimer(clock2, timerId, ttype) {
          if (!timerId) {
            return;
          }
          const id = Number(timerId);
          if (Number.isNaN(id) || id < idCounterStart) {
            const handlerName = getClearHandler(ttype);
            if (clock2.shouldClearNativeTimers === true) {
              const nativeHandler = clock2[`_${handlerName}`];
              return typeof nativeHandler === "function" ? nativeHandler(timerId) : void 0;
            }
            const stackTrace = new Error().stack.split("\n").slice(1).join("\n");
            warnOnce(
              `FakeTimers: ${handlerName} was invoked to clear a native timer instead of one created by this library.
To automatically clean-up native timers, use \`shouldClearNativeTimers\`.
${stackTrace}`
            );
          }
          if (hasTimer(clock2, id)) {
            const timer = getTimer(clock2, id);
            if (timer.type === ttype || timer.requestIdleCallback && ttype === "IdleCallback" || timer.type === "Timeout" && ttype === "Interval" || timer.type === "Interval" && ttype === "Timeout") {
              deleteTimer(clock2, id);
              clock2.timerHeap.remove(timer);
            } else {
              const clear = getClearHandler(ttype);
              const schedule = getScheduleHandler(timer.type);
              throw new Error(
                `Cannot clear timer: timer created with ${schedule}() but cleared with ${clear}()`
              );
            }
          }
        }
        function hijackMethod(target, method, clock2) {
          clock2[method].hadOwnProperty = Object.hasOwn(target, method);
          clock2[`_${method}`] = target[method];
          if (method === "Date") {
            target[method] = clock2[method];
          } else if (method === "Intl") {
            target[method] = clock2[method];
          } else if (method === "Temporal") {
            target[method] = clock2[method];
          } else if (method === "scheduler") {
            const originalSchedulerDescriptor = Object.getOwnPropertyDescriptor(
              target,
              method
            );
            if (originalSchedulerDescriptor && originalSchedulerDescriptor.get && !originalSchedulerDescriptor.set) {
              Object.defineProperty(
                clock2,
                `_${method}`,
                originalSchedulerDescriptor
              );
              const schedulerDescriptor = Object.getOwnPropertyDescriptor(
                clock2,
                method
              );
              Object.defineProperty(target, method, schedulerDescriptor);
            } else {
              target[method] = clock2[method];
            }
          } else if (method === "performance") {
            const originalPerfDescriptor = Object.getOwnPropertyDescriptor(
              target,
              method
            );
            if (originalPerfDescriptor && originalPerfDescriptor.get && !originalPerfDescriptor.set) {
              Object.defineProperty(
                clock2,
                `_${method}`,
                originalPerfDescriptor
              );
              const perfDescriptor = Object.getOwnPropertyDescriptor(
                clock2,
                method
              );
              Object.defineProperty(target, method, perfDescriptor);
            } else {
              target[method] = clock2[method];
            }
          } else {
            target[method] = function(...args) {
              return clock2[method](...args);
            };
            Object.defineProperties(
              target[method],
              Object.getOwnPropertyDescriptors(clock2[method])
            );
          }
          if (method === "scheduler") {
            const scheduler = (
              /** @type {{ clock?: Clock }} */
              clock2[method]
            );
            scheduler.clock = clock2;
          } else {
            target[method].clock = clock2;
          }
        }
        function doIntervalTick(clock2, advanceTimeDelta) {
          clock2.tick(advanceTimeDelta);
        }
        const timers2 = {
          setTimeout: _global.setTimeout,
          clearTimeout: _global.clearTimeout,
          setInterval: _global.setInterval,
          clearInterval: _global.clearInterval,
          Date: _global.Date
        };
        if (isPresent.setImmediate) {
          timers2.setImmediate = _global.setImmediate;
        }
        if (isPresent.clearImmediate) {
          timers2.clearImmediate = _global.clearImmediate;
        }
        if (isPresent.hrtime) {
          timers2.hrtime = _global.process.hrtime;
        }
        if (isPresent.nextTick) {
          timers2.nextTick = _global.process.nextTick;
        }
        if (isPresent.performance) {
          timers2.performance = _global.performance;
        }
        if (isPresent.requestAnimationFrame) {
          timers2.requestAnimationFrame = _global.requestAnimationFrame;
        }
        if (isPresent.queueMicrotask) {
          timers2.queueMicrotask = _global.queueMicrotask;
        }
        if (isPresent.cancelAnimationFrame) {
          timers2.cancelAnimationFrame = _global.cancelAnimationFrame;
        }
        if (isPresent.requestIdleCallback) {
          timers2.requestIdleCallback = _global.requestIdleCallback;
        }
        if (isPresent.cancelIdleCallback) {
          timers2.cancelIdleCallback = _global.cancelIdleCallback;
        }
        if (isPresent.Intl) {
          timers2.Intl = NativeIntl;
        }
        if (isPresent.Temporal) {
          timers2.Temporal = NativeTemporal;
        }
        if (isPresent.scheduler) {
          timers2.scheduler = _global.scheduler;
        }
        const originalSetTimeout = _global.setImmediate || _global.setTimeout;
        const originalClearInterval = _global.clearInterval;
        const originalSetInterval = _global.setInterval;
        function createClock(start2, loopLimit) {
          start2 = Math.floor(getEpoch(start2));
          const startTimestamp = start2;
          loopLimit ||= 1e3;
          let nanos = 0;
          let uninstalled = false;
          const adjustedSystemTime = [0, 0];
          const clock2 = (
            /** @type {Clock} */
            {
              now: start2,
              Date: createDate(),
              loopLimit,
              isNearInfiniteLimit: false,
              tickMode: { mode: "manual", counter: 0, delta: void 0 }
            }
          );
          clock2.Date.clock = clock2;
          function getTimeToNextFrame() {
            const millisSinceStart = clock2.now - adjustedSystemTime[0] - startTimestamp;
            return 16 - millisSinceStart % 16;
          }
          function hrtime(prev) {
            const millisSinceStart = clock2.now - adjustedSystemTime[0] - startTimestamp;
            const secsSinceStart = Math.floor(millisSinceStart / 1e3);
            const remainderInNanos = (millisSinceStart - secsSinceStart * 1e3) * 1e6 + nanos - adjustedSystemTime[1];
            if (Array.isArray(prev)) {
              if (prev[1] > 1e9) {
                throw new TypeError(
                  "Number of nanoseconds can't exceed a billion"
                );
              }
              const oldSecs = prev[0];
              let nanoDiff = remainderInNanos - prev[1];
              let secDiff = secsSinceStart - oldSecs;
              if (nanoDiff < 0) {
                nanoDiff += 1e9;
                secDiff -= 1;
              }
              return [secDiff, nanoDiff];
            }
            return [secsSinceStart, remainderInNanos];
          }
          function fakePerformanceNow() {
            const hrt = hrtime();
            const millis = hrt[0] * 1e3 + hrt[1] / 1e6;
            return millis;
          }
          if (isPresent.hrtimeBigint) {
            hrtime.bigint = function() {
              const parts = hrtime();
              return BigInt(parts[0]) * BigInt(1e9) + BigInt(parts[1]);
            };
          }
          if (isPresent.Intl) {
            clock2.Intl = createIntl(clock2);
            clock2.Intl.clock = clock2;
          }
          if (isPresent.Temporal) {
            clock2.Temporal = createTemporal(clock2, () => nanos);
          }
          clock2.setTickMode = function(tickModeConfig) {
            const { mode: newMode, delta: newDelta } = (
              /** @type {SetTickModeConfig} */
              tickModeConfig
            );
            const { mode: oldMode, delta: oldDelta } = clock2.tickMode;
            if (newMode === oldMode && newDelta === oldDelta) {
              return;
            }
            if (oldMode === "interval") {
              originalClearInterval(clock2.attachedInterval);
            }
            clock2.tickMode = {
              counter: clock2.tickMode.counter + 1,
              mode: newMode,
              delta: newDelta
            };
            if (newMode === "nextAsync") {
              advanceUntilModeChanges();
            } else if (newMode === "interval") {
              createIntervalTick(clock2, newDelta || 20);
            }
          };
          async function advanceUntilModeChanges() {
            async function newMacrotask() {
              const channel = new MessageChannel();
              await new Promise((resolve) => {
                channel.port1.onmessage = () => {
                  resolve(void 0);
                  channel.port1.close();
                };
                channel.port2.postMessage(void 0);
              });
              channel.port1.close();
              channel.port2.close();
              await new Promise((resolve) => {
                originalSetTimeout(resolve);
              });
            }
            const { counter } = clock2.tickMode;
            while (clock2.tickMode.counter === counter) {
              await newMacrotask();
              if (clock2.tickMode.counter !== counter) {
                return;
              }
              clock2.next();
            }
          }
          function pauseAutoTickUntilFinished(promise) {
            if (clock2.tickMode.mode !== "nextAsync") {
              return promise;
            }
            clock2.setTickMode({ mode: "manual" });
            return promise.finally(() => {
              if (!uninstalled) {
                clock2.setTickMode({ mode: "nextAsync" });
              }
            });
          }
          function getTimeToNextIdlePeriod() {
            let timeToNextIdlePeriod = 0;
            if (clock2.countTimers() > 0) {
              timeToNextIdlePeriod = 50;
            }
            return timeToNextIdlePeriod;
          }
          clock2.requestIdleCallback = function requestIdleCallback(func, { timeout } = (
            /** @type {{ timeout?: number }} */
            {}
          )) {
            const idleDeadline = {
              didTimeout: true,
              timeRemaining: getTimeToNextIdlePeriod
            };
            const result = addTimer(clock2, {
              func,
              args: [idleDeadline],
              delay: timeout,
              requestIdleCallback: true
            });
            return Number(result);
          };
          clock2.cancelIdleCallback = function cancelIdleCallback(timerId) {
            return clearTimer(clock2, timerId, "IdleCallback");
          };
          clock2.setTimeout = function setTimeout(func, timeout, ...args) {
            return addTimer(clock2, {
              func,
              args,
              delay: timeout
            });
          };
          if (typeof _global.Promise !== "undefined" && utilPromisify) {
            clock2.setTimeout[utilPromisify.custom] = function promisifiedSetTimeout(timeout, arg) {
              return new _global.Promise(function setTimeoutExecutor(resolve) {
                addTimer(clock2, {
                  func: resolve,
                  args: [arg],
                  delay: timeout
                });
              });
            };
          }
          clock2.clearTimeout = function clearTimeout(timerId) {
            return clearTimer(clock2, timerId, "Timeout");
          };
          clock2.nextTick = function nextTick(func, ...args) {
            return enqueueJob(clock2, {
              func,
              args,
              error: clock2.isNearInfiniteLimit ? new Error() : null
            });
          };
          clock2.queueMicrotask = function queueMicrotask(func) {
            return clock2.nextTick(func);
          };
          if (isPresent.scheduler) {
            clock2.scheduler = {
              postTask: function postTask(callback, options) {
                if (typeof callback !== "function") {
                  throw new TypeError("callback must be a function");
                }
                const postTaskOptions = options ?? {};
                return new _global.Promise((resolve, reject) => {
                  const { delay, signal } = postTaskOptions;
                  function cleanup() {
                    if (signal) {
                      signal.removeEventListener("abort", abort);
                      clock2.abortListenerMap.delete(abort);
                    }
                  }
                  function abort() {
                    cleanup();
                    clock2.clearTimeout(handle);
                    reject(signal.reason);
                  }
                  if (signal && signal.aborted) {
                    reject(signal.reason);
                    return;
                  }
                  const handle = clock2.setTimeout(() => {
                    cleanup();
                    try {
                      resolve(callback());
                    } catch (error) {
                      reject(error);
                    }
                  }, delay);
                  if (signal) {
                    signal.addEventListener("abort", abort);
                    clock2.abortListenerMap.set(abort, signal);
                  }
                });
              }
            };
          }
          clock2.setInterval = function setInterval(func, timeout, ...args) {
            timeout = parseInt(String(timeout), 10);
            return addTimer(clock2, {
              func,
              args,
              delay: timeout,
              interval: timeout
            });
          };
          clock2.clearInterval = function clearInterval(timerId) {
            return clearTimer(clock2, timerId, "Interval");
          };
          if (isPresent.setImmediate) {
            clock2.setImmediate = /** @type {SetImmediate} */
            (function setImmediate(func, ...args) {
              return addTimer(clock2, {
                func,
                args,
                immediate: true
              });
            });
            if (typeof _global.Promise !== "undefined" && utilPromisify) {
              clock2.setImmediate[utilPromisify.custom] = function promisifiedSetImmediate(arg) {
                return new _global.Promise(
                  function setImmediateExecutor(resolve) {
                    addTimer(clock2, {
                      func: resolve,
                      args: [arg],
                      immediate: true
                    });
                  }
                );
              };
            }
            clock2.clearImmediate = function clearImmediate(timerId) {
              return clearTimer(clock2, timerId, "Immediate");
            };
          }
          clock2.countTimers = function countTimers() {
            return (clock2.timerHeap ? clock2.timerHeap.timers.length : 0) + (clock2.jobs || []).length;
          };
          clock2.requestAnimationFrame = function requestAnimationFrame2(func) {
            const result = addTimer(clock2, {
              func,
              delay: getTimeToNextFrame(),
              get args() {
                return [fakePerformanceNow()];
              },
              animation: true
            });
            return Number(result);
          };
          clock2.cancelAnimationFrame = function cancelAnimationFrame(timerId) {
            return clearTimer(clock2, timerId, "AnimationFrame");
          };
          clock2.runMicrotasks = function runMicrotasks() {
            runJobs(clock2);
          };
          function durationToMs(duration) {
            const opts = (
              /** @type {{ unit: string, relativeTo?: unknown }} */
              {
                unit: "millisecond"
              }
            );
            if (NativeTemporal) {
              opts.relativeTo = NativeTemporal.Instant.fromEpochMilliseconds(
                clock2.now
              ).toZonedDateTimeISO(NativeTemporal.Now.timeZoneId());
            }
            return duration.total(opts);
          }
          function tickValueToMs(tickValue) {
            if (typeof tickValue === "number") {
              return tickValue;
            }
            if (tickValue !== null && typeof tickValue === "object" && typeof /** @type {TemporalDuration} */
            tickValue.total === "function") {
              return durationToMs(
                /** @type {TemporalDuration} */
                tickValue
              );
            }
            return parseTime(
              /** @type {string} */
              tickValue
            );
          }
          function createTickState(tickValue) {
            const msFloat = tickValueToMs(tickValue);
            const ms = Math.floor(msFloat);
            const remainder = nanoRemainder(msFloat);
            let nanosTotal = nanos + remainder;
            let tickTo = clock2.now + ms;
            if (msFloat < 0) {
              throw new TypeError("Negative ticks are not supported");
            }
            if (nanosTotal >= 1e6) {
              tickTo += 1;
              nanosTotal -= 1e6;
            }
            return (
              /** @type {ClockState} */
              {
                msFloat,
                ms,
                nanosTotal,
                tickFrom: clock2.now,
                tickTo,
                previous: clock2.now,
                timer: null,
                firstException: null,
                oldNow: null
              }
            );
          }
          function applyClockChangeCompensation(state, oldNow, options) {
            if (oldNow !== clock2.now) {
              const difference = clock2.now - oldNow;
              state.tickFrom += difference;
              state.tickTo += difference;
              if (options && options.includePrevious) {
                state.previous += difference;
              }
            }
          }
          function runInitialJobs(state) {
            state.oldNow = clock2.now;
            runJobs(clock2);
            applyClockChangeCompensation(state, state.oldNow);
          }
          function runPostLoopJobs(state) {
            state.oldNow = clock2.now;
            runJobs(clock2);
            applyClockChangeCompensation(state, state.oldNow);
          }
          function selectNextTimerInRange(state) {
            state.timer = firstTimerInRange(
              clock2,
              state.previous,
              state.tickTo
            );
            state.previous = state.tickFrom;
          }
          function runTimersInRange(state, isAsync, nextPromiseTick, compensationCheck) {
            state.timer = firstTimerInRange(
              clock2,
              state.tickFrom,
              state.tickTo
            );
            while (state.timer && state.tickFrom <= state.tickTo) {
              if (hasTimer(clock2, state.timer.id)) {
                state.tickFrom = state.timer.callAt;
                clock2.now = state.timer.callAt;
                state.oldNow = clock2.now;
                try {
                  runJobs(clock2);
                  if (hasTimer(clock2, state.timer.id)) {
                    callTimer(clock2, state.timer);
                  }
                } catch (e) {
                  state.firstException ||= e;
                }
                if (isAsync) {
                  originalSetTimeout(nextPromiseTick);
                  return true;
                }
                compensationCheck();
              }
              selectNextTimerInRange(state);
            }
            return false;
          }
          function finalizeTick(state, isAsync, resolve) {
            state.timer = firstTimerInRange(
              clock2,
              state.tickFrom,
              state.tickTo
            );
            if (state.timer) {
              try {
                clock2.tick(state.tickTo - clock2.now);
              } catch (e) {
                state.firstException ||= e;
              }
            } else {
              clock2.now = state.tickTo;
              nanos = state.nanosTotal;
            }
            if (state.firstException) {
              throw state.firstException;
            }
            if (isAsync) {
              resolve(clock2.now);
            } else {
              return clock2.now;
            }
          }
          function doTick(tickValue, isAsync, resolve, reject) {
            const state = createTickState(tickValue);
            nanos = state.nanosTotal;
            clock2.duringTick = true;
            runInitialJobs(state);
            const compensationCheck = function() {
              applyClockChangeCompensation(state, state.oldNow, {
                includePrevious: true
              });
            };
            const nextPromiseTick = isAsync && function() {
              try {
                compensationCheck();
                selectNextTimerInRange(state);
                doTickInner();
              } catch (e) {
                reject(e);
              }
            };
            function doTickInner() {
              if (runTimersInRange(
                state,
                isAsync,
                nextPromiseTick,
                compensationCheck
              )) {
                return;
              }
              runPostLoopJobs(state);
              clock2.duringTick = false;
              return finalizeTick(state, isAsync, resolve);
            }
            return doTickInner();
          }
          clock2.tick = function tick(tickValue) {
            return doTick(tickValue, false);
          };
          clock2.next = function next2() {
            runJobs(clock2);
            const timer = firstTimer(clock2);
            if (!timer) {
              return clock2.now;
            }
            clock2.duringTick = true;
            try {
              clock2.now = timer.callAt;
              callTimer(clock2, timer);
              runJobs(clock2);
              return clock2.now;
            } finally {
              clock2.duringTick = false;
            }
          };
          function runAsyncWithNativeTimeout(callback) {
            return pauseAutoTickUntilFinished(
              new _global.Promise((resolve, reject) => {
                originalSetTimeout(() => {
                  try {
                    callback(resolve, reject);
                  } catch (e) {
                    reject(e);
                  }
                });
              })
            );
          }
          clock2.runAll = function runAll() {
            runJobs(clock2);
            for (let i = 0; i < clock2.loopLimit; i++) {
              if (!clock2.timers) {
                resetIsNearInfiniteLimit(clock2);
                return clock2.now;
              }
              const numTimers = clock2.timerHeap.timers.length;
              if (numTimers === 0) {
                resetIsNearInfiniteLimit(clock2);
                return clock2.now;
              }
              checkIsNearInfiniteLimit(clock2, i);
              clock2.next();
            }
            const excessJob = firstTimer(clock2);
            throw getInfiniteLoopError(clock2, excessJob);
          };
          clock2.runToFrame = function runToFrame() {
            return clock2.tick(getTimeToNextFrame());
          };
          clock2.runToLast = function runToLast() {
            const timer = lastTimer(clock2);
            if (!timer) {
              runJobs(clock2);
              return clock2.now;
            }
            return clock2.tick(timer.callAt - clock2.now);
          };
          if (typeof _global.Promise !== "undefined") {
            clock2.tickAsync = function tickAsync(tickValue) {
              return runAsyncWithNativeTimeout((resolve, reject) => {
                doTick(tickValue, true, resolve, reject);
              });
            };
            clock2.nextAsync = function nextAsync() {
              return runAsyncWithNativeTimeout((resolve, reject) => {
                runJobs(clock2);
                const timer = firstTimer(clock2);
                if (!timer) {
                  resolve(clock2.now);
                  return;
                }
                let err;
                clock2.duringTick = true;
                clock2.now = timer.callAt;
                try {
                  callTimer(clock2, timer);
                  runJobs(clock2);
                } catch (e) {
                  err = e;
                }
                clock2.duringTick = false;
                originalSetTimeout(() => {
                  if (err) {
                    reject(err);
                  } else {
                    resolve(clock2.now);
                  }
                });
              });
            };
            clock2.runAllAsync = function runAllAsync() {
              let i = 0;
              function doRun(resolve, reject) {
                try {
                  runJobs(clock2);
                  let numTimers;
                  if (i < clock2.loopLimit) {
                    if (!clock2.timerHeap) {
                      resetIsNearInfiniteLimit(clock2);
                      resolve(clock2.now);
                      return;
                    }
                    numTimers = clock2.timerHeap.timers.length;
                    if (numTimers === 0) {
                      resetIsNearInfiniteLimit(clock2);
                      resolve(clock2.now);
                      return;
                    }
                    checkIsNearInfiniteLimit(clock2, i);
                    clock2.next();
                    i++;
                    originalSetTimeout(() => {
                      doRun(resolve, reject);
                    });
                    return;
                  }
                  const excessJob = firstTimer(clock2);
                  reject(getInfiniteLoopError(clock2, excessJob));
                } catch (e) {
                  reject(e);
                }
              }
              return runAsyncWithNativeTimeout((resolve, reject) => {
                doRun(resolve, reject);
              });
            };
            clock2.runToLastAsync = function runToLastAsync() {
              return runAsyncWithNativeTimeout((resolve) => {
                const timer = lastTimer(clock2);
                if (!timer) {
                  runJobs(clock2);
                  resolve(clock2.now);
                  return;
                }
                resolve(clock2.tickAsync(timer.callAt - clock2.now));
              });
            };
          }
          clock2.reset = function reset() {
            nanos = 0;
            adjustedSystemTime[0] = 0;
            adjustedSystemTime[1] = 0;
            clock2.timers = /* @__PURE__ */ new Map();
            clock2.timerHeap = new TimerHeap();
            clock2.jobs = [];
            clock2.now = start2;
          };
          clock2.setSystemTime = function setSystemTime(systemTime) {
            const newNow = getEpoch(systemTime);
            const difference = newNow - clock2.now;
            adjustedSystemTime[0] = adjustedSystemTime[0] + difference;
            adjustedSystemTime[1] = adjustedSystemTime[1] + nanos;
            clock2.now = newNow;
            nanos = 0;
            forEachActiveTimer(clock2, (timer) => {
              timer.createdAt += difference;
              timer.callAt += difference;
            });
          };
          clock2.jump = function jump(tickValue) {
            const msFloat = tickValueToMs(tickValue);
            const ms = Math.floor(msFloat);
            forEachActiveTimer(clock2, (timer) => {
              if (clock2.now + ms > timer.callAt) {
                timer.callAt = clock2.now + ms;
              }
            });
            rebuildTimerHeap(clock2);
            clock2.tick(ms);
            return clock2.now;
          };
          if (isPresent.performance) {
            clock2.performance = /* @__PURE__ */ Object.create(null);
            clock2.performance.now = fakePerformanceNow;
          }
          if (isPresent.hrtime) {
            clock2.hrtime = hrtime;
          }
          clock2.uninstall = function() {
            uninstalled = true;
            clock2.setTickMode({ mode: "manual" });
            if (clock2.methods) {
              const installedHrTime = "_hrtime";
              const installedNextTick = "_nextTick";
              let method, i, l;
              for (i = 0, l = clock2.methods.length; i < l; i++) {
                method = clock2.methods[i];
                if (method === "hrtime" && _global.process) {
                  _global.process.hrtime = clock2[installedHrTime];
                } else if (method === "nextTick" && _global.process) {
                  _global.process.nextTick = clock2[installedNextTick];
                } else if (method === "scheduler") {
                  const originalSchedulerDescriptor = Object.getOwnPropertyDescriptor(
                    clock2,
                    `_${method}`
                  );
                  if (originalSchedulerDescriptor && originalSchedulerDescriptor.get && !originalSchedulerDescriptor.set) {
                    Object.defineProperty(
                      _global,
                      method,
                      originalSchedulerDescriptor
                    );
                  } else if (clock2[method] && clock2[method].hasOwnProperty) {
                    _global[method] = clock2[`_${method}`];
                  } else {
                    try {
                      delete _global[method];
                    } catch {
                    }
                  }
                } else if (method === "performance") {
                  if (perfHooksNowDescriptors.has(clock2)) {
                    const descriptor = perfHooksNowDescriptors.get(clock2);
                    if (descriptor) {
                      Object.defineProperty(
                        perfHooksModule.performance,
                        "now",
                        descriptor
                      );
                    } else {
                      delete perfHooksModule.performance.now;
                    }
                    perfHooksNowDescriptors.delete(clock2);
                  }
                  const originalPerfDescriptor = Object.getOwnPropertyDescriptor(
                    clock2,
                    `_${method}`
                  );
                  if (originalPerfDescriptor && originalPerfDescriptor.get && !originalPerfDescriptor.set) {
                    Object.defineProperty(
                      _global,
                      method,
                      originalPerfDescriptor
                    );
                  } else if (originalPerfDescriptor.configurable) {
                    _global[method] = clock2[`_${method}`];
                  }
                } else {
                  if (clock2[method] && clock2[method].hadOwnProperty) {
                    _global[method] = clock2[`_${method}`];
                  } else {
                    try {
                      delete _global[method];
                    } catch {
                    }
                  }
                }
                if (clock2.timersModuleMethods !== void 0) {
                  for (let j = 0; j < clock2.timersModuleMethods.length; j++) {
                    const entry = clock2.timersModuleMethods[j];
                    timersModule[entry.methodName] = entry.original;
                  }
                }
                if (clock2.timersPromisesModuleMethods !== void 0) {
                  for (let j = 0; j < clock2.timersPromisesModuleMethods.length; j++) {
                    const entry = clock2.timersPromisesModuleMethods[j];
                    timersPromisesModule[entry.methodName] = entry.original;
                  }
                }
              }
              clock2.methods = [];
            }
            if (clock2.abortListenerMap) {
              for (const [
                listener,
                signal
              ] of clock2.abortListenerMap.entries()) {
                signal.removeEventListener("abort", listener);
                clock2.abortListenerMap.delete(listener);
              }
            }
            if (!clock2.timerHeap) {
              return [];
            }
            return clock2.timerHeap.timers.slice();
          };
          return clock2;
        }
        function createIntervalTick(clock2, delta) {
          const intervalTick = doIntervalTick.bind(null, clock2, delta);
          const intervalId = originalSetInterval(intervalTick, delta);
          clock2.attachedInterval = intervalId;
        }
        function install(config) {
          if (arguments.length > 1 || config instanceof Date || Array.isArray(config) || typeof config === "number") {
            throw new TypeError(
              `FakeTimers.install called with ${String(
                config
              )} install requires an object parameter`
            );
          }
          if (_global.Date.isFake === true) {
            throw new TypeError(
              "Can't install fake timers twice on the same global object."
            );
          }
          config = typeof config !== "undefined" ? config : {};
          config.shouldAdvanceTime ||= false;
          config.advanceTimeDelta ||= 20;
          config.shouldClearNativeTimers ||= false;
          const hasToFake = Object.hasOwn(config, "toFake");
          const hasToNotFake = Object.hasOwn(config, "toNotFake");
          if (hasToFake && hasToNotFake) {
            throw new TypeError(
              "config.toFake and config.toNotFake cannot be used together"
            );
          }
          if (config.target) {
            throw new TypeError(
              "config.target is no longer supported. Use `withGlobal(target)` instead."
            );
          }
          function handleMissingTimer(timer) {
            if (config.ignoreMissingTimers) {
              return;
            }
            throw new ReferenceError(
              `non-existent timers and/or objects cannot be faked: '${timer}'`
            );
          }
          let i, l;
          const clock2 = createClock(config.now, config.loopLimit);
          clock2.shouldClearNativeTimers = config.shouldClearNativeTimers;
          clock2.abortListenerMap = /* @__PURE__ */ new Map();
          if (hasToFake) {
            clock2.methods = /** @type {FakeMethod[]} */
            config.toFake || [];
            if (clock2.methods.length === 0) {
              clock2.methods = /** @type {FakeMethod[]} */
              Object.keys(timers2);
            }
          } else if (hasToNotFake) {
            const methodsToNotFake = (
              /** @type {string[]} */
              config.toNotFake || []
            );
            clock2.methods = /** @type {FakeMethod[]} */
            Object.keys(timers2).filter(
              (method) => !methodsToNotFake.includes(method)
            );
          } else {
            clock2.methods = /** @type {FakeMethod[]} */
            Object.keys(timers2);
          }
          if (config.shouldAdvanceTime === true) {
            clock2.setTickMode({
              mode: "interval",
              delta: config.advanceTimeDelta
            });
          }
          if (clock2.methods.includes("performance")) {
            const proto = (() => {
              if (hasPerformanceConstructorPrototype) {
                return _global.performance.constructor.prototype;
              }
              if (hasPerformancePrototype) {
                return _global.Performance.prototype;
              }
            })();
            if (proto) {
              Object.getOwnPropertyNames(proto).forEach((name) => {
                if (name !== "now") {
                  clock2.performance[name] = name.indexOf("getEntries") === 0 ? NOOP_ARRAY : NOOP;
                }
              });
              clock2.performance.mark = (name) => new FakePerformanceEntry(name, "mark", 0, 0);
              clock2.performance.measure = (name) => new FakePerformanceEntry(name, "measure", 0, 100);
              clock2.performance.timeOrigin = getEpoch(config.now);
            } else if ((config.toFake || []).includes("performance")) {
              handleMissingTimer("performance");
            }
          }
          if (_global === globalObject && timersModule) {
            clock2.timersModuleMethods = [];
          }
          if (_global === globalObject && timersPromisesModule) {
            clock2.timersPromisesModuleMethods = [];
          }
          for (i = 0, l = clock2.methods.length; i < l; i++) {
            const nameOfMethodToReplace = clock2.methods[i];
            if (!isPresent[nameOfMethodToReplace]) {
              handleMissingTimer(nameOfMethodToReplace);
              continue;
            }
            if (nameOfMethodToReplace === "hrtime") {
              if (_global.process && typeof _global.process.hrtime === "function") {
                hijackMethod(_global.process, nameOfMethodToReplace, clock2);
              }
            } else if (nameOfMethodToReplace === "nextTick") {
              if (_global.process && typeof _global.process.nextTick === "function") {
                hijackMethod(_global.process, nameOfMethodToReplace, clock2);
              }
            } else {
              hijackMethod(_global, nameOfMethodToReplace, clock2);
            }
            if (nameOfMethodToReplace === "performance" && _global === globalObject && perfHooksModule?.performance) {
              perfHooksNowDescriptors.set(
                clock2,
                Object.getOwnPropertyDescriptor(
                  perfHooksModule.performance,
                  "now"
                )
              );
              Object.defineProperty(perfHooksModule.performance, "now", {
                configurable: true,
                writable: true,
                value: clock2.performance.now
              });
            }
            if (clock2.timersModuleMethods !== void 0 && timersModule[nameOfMethodToReplace]) {
              const original = timersModule[nameOfMethodToReplace];
              clock2.timersModuleMethods.push({
                methodName: nameOfMethodToReplace,
                original
              });
              timersModule[nameOfMethodToReplace] = _global[nameOfMethodToReplace];
            }
            if (clock2.timersPromisesModuleMethods !== void 0) {
              if (nameOfMethodToReplace === "setTimeout") {
                clock2.timersPromisesModuleMethods.push({
                  methodName: "setTimeout",
                  original: timersPromisesModule.setTimeout
                });
                timersPromisesModule.setTimeout = (delay, value, options = {}) => new Promise((resolve, reject) => {
                  const abort = () => {
                    options.signal.removeEventListener(
                      "abort",
                      abort
                    );
                    clock2.abortListenerMap.delete(abort);
                    clock2.clearTimeout(handle);
                    reject(options.signal.reason);
                  };
                  const handle = clock2.setTimeout(() => {
                    if (options.signal) {
                      options.signal.removeEventListener(
                        "abort",
                        abort
                      );
                      clock2.abortListenerMap.delete(abort);
                    }
                    resolve(value);
                  }, delay);
                  if (options.signal) {
                    if (options.signal.aborted) {
                      abort();
                    } else {
                      options.signal.addEventListener(
                        "abort",
                        abort
                      );
                      clock2.abortListenerMap.set(
                        abort,
                        options.signal
                      );
                    }
                  }
                });
              } else if (nameOfMethodToReplace === "setImmediate") {
                clock2.timersPromisesModuleMethods.push({
                  methodName: "setImmediate",
                  original: timersPromisesModule.setImmediate
                });
                timersPromisesModule.setImmediate = (value, options = {}) => new Promise((resolve, reject) => {
                  const abort = () => {
                    options.signal.removeEventListener(
                      "abort",
                      abort
                    );
                    clock2.abortListenerMap.delete(abort);
                    clock2.clearImmediate(handle);
                    reject(options.signal.reason);
                  };
                  const handle = clock2.setImmediate(() => {
                    if (options.signal) {
                      options.signal.removeEventListener(
                        "abort",
                        abort
                      );
                      clock2.abortListenerMap.delete(abort);
                    }
                    resolve(value);
                  });
                  if (options.signal) {
                    if (options.signal.aborted) {
                      abort();
                    } else {
                      options.signal.addEventListener(
                        "abort",
                        abort
                      );
                      clock2.abortListenerMap.set(
                        abort,
                        options.signal
                      );
                    }
                  }
                });
              } else if (nameOfMethodToReplace === "setInterval") {
                clock2.timersPromisesModuleMethods.push({
                  methodName: "setInterval",
                  original: timersPromisesModule.setInterval
                });
                timersPromisesModule.setInterval = (delay, value, options = {}) => ({
                  [Symbol.asyncIterator]: () => {
                    const createResolvable = () => {
                      let resolve, reject;
                      const promise = (
                        /** @type {Promise<unknown> & { resolve: (value: unknown) => void; reject: (reason: unknown) => void }} */
                        // Promise.withResolvers() needs Node 22; CI still tests Node 20
                        // eslint-disable-next-line unicorn/prefer-promise-with-resolvers
                        new Promise((res, rej) => {
                          resolve = res;
                          reject = rej;
                        })
                      );
                      promise.resolve = resolve;
                      promise.reject = reject;
                      return promise;
                    };
                    let done = false;
                    let hasThrown = false;
                    let returnCall;
                    let nextAvailable = 0;
                    const nextQueue = [];
                    const handle = clock2.setInterval(() => {
                      if (nextQueue.length > 0) {
                        nextQueue.shift().resolve();
                      } else {
                        nextAvailable++;
                      }
                    }, delay);
                    const abort = () => {
                      options.signal.removeEventListener(
                        "abort",
                        abort
                      );
                      clock2.abortListenerMap.delete(abort);
                      clock2.clearInterval(handle);
                      done = true;
                      for (const resolvable of nextQueue) {
                        resolvable.resolve();
                      }
                    };
                    if (options.signal) {
                      if (options.signal.aborted) {
                        abort();
                      } else {
                        options.signal.addEventListener(
                          "abort",
                          abort
                        );
                        clock2.abortListenerMap.set(
                          abort,
                          options.signal
                        );
                      }
                    }
                    return {
                      next: async () => {
                        if (options.signal?.aborted && !hasThrown) {
                          hasThrown = true;
                          throw options.signal.reason;
                        }
                        if (done) {
                          return { done: true, value: void 0 };
                        }
                        if (nextAvailable > 0) {
                          nextAvailable--;
                          return { done: false, value };
                        }
                        const resolvable = createResolvable();
                        nextQueue.push(resolvable);
                        await resolvable;
                        if (returnCall && nextQueue.length === 0) {
                          returnCall.resolve();
                        }
                        if (options.signal?.aborted && !hasThrown) {
                          hasThrown = true;
                          throw options.signal.reason;
                        }
                        if (done) {
                          return { done: true, value: void 0 };
                        }
                        return { done: false, value };
                      },
                      return: async () => {
                        if (done) {
                          return { done: true, value: void 0 };
                        }
                        if (nextQueue.length > 0) {
                          returnCall = createResolvable();
                          await returnCall;
                        }
                        clock2.clearInterval(handle);
                        done = true;
                        if (options.signal) {
                          options.signal.removeEventListener(
                            "abort",
                            abort
                          );
                          clock2.abortListenerMap.delete(abort);
                        }
                        return { done: true, value: void 0 };
                      }
                    };
                  }
                });
              }
            }
          }
          return clock2;
        }
        return {
          timers: timers2,
          createClock,
          install,
          withGlobal
        };
      }
      var defaultImplementation = withGlobal(globalObject);
      exports.timers = defaultImplementation.timers;
      exports.createClock = defaultImplementation.createClock;
      exports.install = defaultImplementation.install;
      exports.withGlobal = withGlobal;
    }
  });

  // src/replay/clock.ts
  var import_fake_timers = __toESM(require_fake_timers_src(), 1);

  // src/clock/readings.ts
  var { apply, construct } = Reflect;
  function wrapReadings(give) {
    const Plain = globalThis.Date;
    const { now } = Plain;
    const { toString: words } = Plain.prototype;
    const date = () => give("date", now());
    Plain.now = new Proxy(now, { apply: date });
    const Wrapped = new Proxy(Plain, {
      apply: () => apply(words, new Plain(date()), []),
      construct: (of, given, made) => construct(of, given.length === 0 ? [date()] : given, made)
    });
    Plain.prototype.constructor = Wrapped;
    globalThis.Date = Wrapped;
    Performance.prototype.now = new Proxy(Performance.prototype.now, {
      apply: (read, self2) => give("now", apply(read, self2, []))
    });
    const stamp = Object.getOwnPropertyDescriptor(Event.prototype, "timeStamp");
    if (!stamp?.get) return;
    const stamps = /* @__PURE__ */ new WeakMap();
    const { get: known, set: keep } = stamps;
    const get = new Proxy(stamp.get, {
      apply(read, self2) {
        let at = apply(known, stamps, [self2]);
        if (at === void 0) {
          at = give("event", apply(read, self2, []));
          apply(keep, stamps, [self2, at]);
        }
        return at;
      }
    });
    Object.defineProperty(Event.prototype, "timeStamp", { ...stamp, get });
  }

  // src/clock/sources.ts
  var { apply: apply2 } = Reflect;
  var script = typeof Document === "undefined" ? void 0 : Object.getOwnPropertyDescriptor(Document.prototype, "currentScript")?.get;
  var source = "task";
  function running() {
    return source === "task" && script && apply2(script, document, []) ? "script" : source;
  }
  function as(of, call) {
    return function(...given) {
      const before = source;
      source = of;
      try {
        return apply2(call, this, given);
      } finally {
        source = before;
      }
    };
  }

  // src/page/seeded.ts
  function seeded(salt) {
    let state = 0;
    for (let n = 0; n < salt.length; n++) state = Math.imul(state ^ salt.charCodeAt(n), 16777619);
    const next2 = () => {
      state = state + 1831565813 | 0;
      let t = Math.imul(state ^ state >>> 15, state | 1);
      t ^= t + Math.imul(t ^ t >>> 7, t | 61);
      return (t ^ t >>> 14) >>> 0;
    };
    const { apply: apply6 } = Reflect;
    const Bytes = Uint8Array;
    const fill = Crypto.prototype.getRandomValues;
    const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
    const draw = (bytes) => {
      for (let n = 0; n < bytes.length; n++) bytes[n] = next2() >>> 24;
    };
    Crypto.prototype.getRandomValues = new Proxy(fill, {
      apply(native, self2, given) {
        const filled = apply6(native, self2, given);
        draw(new Bytes(filled.buffer, filled.byteOffset, filled.byteLength));
        return filled;
      }
    });
    const uuid = () => {
      const bytes = new Bytes(16);
      draw(bytes);
      bytes[6] = bytes[6] & 15 | 64;
      bytes[8] = bytes[8] & 63 | 128;
      let text = "";
      for (let n = 0; n < 16; n++) text += ([4, 6, 8, 10].includes(n) ? "-" : "") + hex[bytes[n]];
      return text;
    };
    if (Crypto.prototype.randomUUID) {
      Crypto.prototype.randomUUID = new Proxy(Crypto.prototype.randomUUID, {
        apply(native, self2, given) {
          apply6(native, self2, given);
          return uuid();
        }
      });
    } else if (isSecureContext) {
      crypto.randomUUID = uuid;
    }
  }

  // src/replay/animations.ts
  var { apply: apply3 } = Reflect;
  function fakeAnimations(now) {
    if (typeof document === "undefined") return () => {
    };
    const begun = /* @__PURE__ */ new WeakMap();
    const roots = /* @__PURE__ */ new Set();
    const place = (animation) => {
      if (animation.timeline !== document.timeline) return;
      const rate = animation.playbackRate || 1;
      const at = begun.get(animation);
      const end = () => Number(animation.effect?.getComputedTiming().endTime ?? 0);
      if (at === void 0) {
        if (animation.playState !== "running") return;
        begun.set(animation, now());
        animation.currentTime = rate > 0 ? 0 : end();
        animation.pause();
        return;
      }
      if (animation.playState !== "paused") return;
      const time = (now() - at) * rate + (rate > 0 ? 0 : end());
      if (rate > 0 ? time >= end() : time <= 0) animation.finish();
      else animation.currentTime = time;
    };
    const placeAll = () => {
      for (const animation of document.getAnimations()) place(animation);
      for (const held of roots) {
        const root = held.deref();
        if (!root) roots.delete(held);
        else for (const animation of root.getAnimations()) place(animation);
      }
    };
    const watch = (root) => {
      for (const name of ["transitionrun", "animationstart"]) {
        root.addEventListener(name, placeAll, { capture: true, passive: true });
      }
    };
    watch(globalThis);
    Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
      apply(attach, self2, given) {
        const root = apply3(attach, self2, given);
        roots.add(new WeakRef(root));
        watch(root);
        return root;
      }
    });
    Element.prototype.animate = new Proxy(Element.prototype.animate, {
      apply(animate2, self2, given) {
        const animation = apply3(animate2, self2, given);
        place(animation);
        return animation;
      }
    });
    return placeAll;
  }

  // src/replay/frames.ts
  var EVERY = 16;
  function fakeFrames(passed, after, next2) {
    if (typeof requestAnimationFrame === "undefined") return;
    let last = 0;
    let waits = false;
    let asked = /* @__PURE__ */ new Map();
    let drawn2 = /* @__PURE__ */ new Map();
    globalThis.requestAnimationFrame = new Proxy(globalThis.requestAnimationFrame, {
      apply(native, self2, [call]) {
        if (typeof call !== "function") return Reflect.apply(native, self2, [call]);
        asked.set(++last, call);
        if (!waits) {
          waits = true;
          const recorded2 = next2();
          const [wait, told] = recorded2 ?? [Math.ceil(EVERY - passed() % EVERY), void 0];
          after(() => draw(told ?? passed()), wait, recorded2 !== void 0);
        }
        return last;
      }
    });
    globalThis.cancelAnimationFrame = new Proxy(globalThis.cancelAnimationFrame, {
      apply(_, __, [number]) {
        asked.delete(number);
        drawn2.delete(number);
      }
    });
    function draw(told) {
      waits = false;
      drawn2 = asked;
      asked = /* @__PURE__ */ new Map();
      for (const [number, call] of drawn2) {
        if (!drawn2.delete(number)) continue;
        try {
          as("frame", call)(told);
        } catch (error) {
          reportError(error);
        }
      }
    }
  }

  // src/replay/messages.ts
  var { apply: apply4 } = Reflect;
  function countMessages() {
    let count = 0;
    const scope = globalThis;
    const speakers = [scope, ...["MessagePort", "BroadcastChannel", "Client"].map(prototypeOf)];
    for (const speaker of speakers) {
      const post = speaker?.postMessage;
      if (speaker === void 0 || typeof post !== "function") continue;
      speaker.postMessage = new Proxy(post, {
        apply(say, self2, given) {
          count++;
          return apply4(say, self2, given);
        }
      });
    }
    for (const type of ["message", "connect"]) addEventListener(type, () => count++);
    return () => count;
    function prototypeOf(name) {
      return scope[name]?.prototype;
    }
  }

  // src/clock/place.ts
  function placeInTab() {
    const places = [];
    for (let at = window; at !== at.parent; at = at.parent) {
      let n = 0;
      while (n < at.parent.length && at.parent[n] !== at) n++;
      places.unshift(n);
    }
    return places.join(".");
  }

  // src/replay/tape.ts
  var OFF = 3;
  var LATE = 100;
  var NEXT_FRAME = 250;
  var TARDY = 100;
  var MOST_PASSED = 1e3;
  function tapeOf(tapes2, at) {
    if (tapes2.length === 0) return void 0;
    const url = location.href.replace(/#.*/, "");
    const place = placeInTab();
    const mine = tapes2.filter((tape) => tape.url === url && (tape.place === null || tape.place === place));
    return mine.sort((a, b) => Math.abs(a.began - at) - Math.abs(b.began - at))[0];
  }
  var Readings = class {
    constructor(tape, now) {
      this.tape = tape;
      this.now = now;
    }
    tape;
    now;
    #since = 0;
    #next = Number.POSITIVE_INFINITY;
    #until = Number.POSITIVE_INFINITY;
    /** Where scripts have got to by what was given to them, Unix ms. */
    latest = 0;
    /** How many were not read again, or had not been read. */
    departed = 0;
    #at = {};
    #last = {};
    get base() {
      return this.tape.base;
    }
    /** The clock is on its way; what was read from `to` on, when something is done, is not given yet (Unix ms). */
    leave(to) {
      this.#until = to;
    }
    /** It is there, and stays until something is done at `next`; what was not read before it was there is over. */
    stay(at, next2) {
      if (at >= this.#next) this.#since = at;
      this.#next = this.#until = next2;
    }
    give(of, said) {
      const stream = this.#stream(of, running());
      const [values = [], times = []] = this.tape.read[stream] ?? [];
      this.#at[stream] ??= { n: 0, used: 0 };
      const at = this.#at[stream];
      const zero = of === "date" ? 0 : this.tape.base;
      const often = () => times[at.n] ?? 1;
      const next2 = () => {
        at.n++;
        at.used = 0;
      };
      if (at.used >= often()) next2();
      for (let value2 = values[at.n]; value2 !== void 0 && of !== "event"; value2 = values[at.n]) {
        if (zero + value2 >= this.#over) break;
        this.departed += often() - at.used;
        next2();
      }
      const value = values[at.n];
      if (value === void 0 || zero + value > this.#until + OFF) {
        this.departed++;
        return of === "event" ? said : Math.max(said, this.#last[of] ?? said);
      }
      at.used++;
      this.#last[of] = Math.max(value, this.#last[of] ?? value);
      if (of !== "event") this.latest = Math.max(this.latest, zero + value);
      return value;
    }
    /** What reads the clock next did so only after `to`, though something is due at `due`: that, it may be. */
    tardy(due, to) {
      let first = Number.POSITIVE_INFINITY;
      for (const [stream, [values, times] = [[], []]] of Object.entries(this.tape.read)) {
        if (!/^(date|now)/.test(stream)) continue;
        const { n, used } = this.#at[stream] ?? { n: 0, used: 0 };
        const zero = stream.startsWith("date") ? 0 : this.tape.base;
        const left = values.slice(used >= (times[n] ?? 1) ? n + 1 : n, n + MOST_PASSED);
        const next2 = left.find((value) => zero + value >= this.#over);
        if (next2 !== void 0) first = Math.min(first, zero + next2);
      }
      return first > to + OFF && first <= due + TARDY;
    }
    /** What was read before it is not read any more. */
    get #over() {
      return Math.max(this.#since - OFF, this.now() - LATE);
    }
    /** Which of the recorded: those of the tasks' source, or of all where they were not told apart. */
    #stream(of, by) {
      return of in this.tape.read ? of : `${of} ${by}`;
    }
    /** When the next frame is drawn, Unix ms, and what its callbacks are told; undefined: none was, not soon. */
    frame() {
      const frames = this.tape.read[this.#stream("frame", "frame")]?.[0] ?? [];
      const drawn2 = this.tape.read[this.#stream("drawn", "frame")]?.[0] ?? [];
      this.#at.drawn ??= { n: 0, used: 0 };
      const at = this.#at.drawn;
      for (let value = drawn2[at.n]; value !== void 0; value = drawn2[at.n]) {
        const when = this.tape.base + value;
        if (when >= this.now() - OFF) {
          const told = frames[at.n];
          if (told === void 0 || when > this.now() + NEXT_FRAME) break;
          at.n++;
          return [when, told];
        }
        at.n++;
      }
      return void 0;
    }
  };

  // src/replay/clock.ts
  var clock;
  var { apply: apply5 } = Reflect;
  var { MessageChannel: Channel } = globalThis;
  var { postMessage } = MessagePort.prototype;
  var LATE2 = 3e4;
  var PAUSE = 100;
  var TURNS = 8;
  var recorded = [];
  var readings;
  var animate = () => {
  };
  var messages = () => 0;
  var drawn;
  var drawnAt = 0;
  function start(at) {
    const tape = readings ? void 0 : tapeOf(recorded, at);
    const now = Math.floor(tape && Math.abs(tape.began - at) < LATE2 ? tape.began : at);
    if (tape) readings = new Readings(tape, () => clock?.now ?? now);
    if (clock) {
      if (clock.countTimers() === 0) clock.setSystemTime(now);
      return;
    }
    clock = import_fake_timers.default.withGlobal(globalThis).install({
      now,
      loopLimit: 1e5,
      toFake: [
        "Intl",
        "setTimeout",
        "clearTimeout",
        "setInterval",
        "clearInterval",
        "requestIdleCallback",
        "cancelIdleCallback"
      ],
      ignoreMissingTimers: true
      // workers have no idle callbacks
    });
    const faked = clock;
    const begin = () => readings?.base ?? now;
    const passed = () => Math.max(0, faked.now - begin());
    Object.defineProperty(Performance.prototype, "timeOrigin", { get: begin, configurable: true });
    if (typeof Document !== "undefined") {
      Object.defineProperty(Document.prototype, "lastModified", { get: () => lastModified(now), configurable: true });
    }
    wrapReadings((of) => {
      const said = of === "date" ? faked.now : passed();
      return readings?.give(of, said) ?? said;
    });
    const { setTimeout: after } = faked;
    faked.setTimeout = late(faked.setTimeout);
    faked.setInterval = late(faked.setInterval);
    fakeFrames(
      passed,
      (call, wait, exact) => {
        const timer = after(call, wait);
        if (exact) drawn = timer;
      },
      () => {
        const frame = readings?.frame();
        drawnAt = frame?.[0] ?? 0;
        return frame && [Math.max(0, Math.floor(frame[0]) - faked.now), frame[1]];
      }
    );
    animate = fakeAnimations(() => faked.now);
  }
  function late(set) {
    return ((...given) => {
      const faked = clock;
      const { now } = faked;
      faked.now = Math.max(now, Math.floor(readings?.latest ?? 0));
      if (typeof given[0] === "function") given[0] = as("timer", given[0]);
      try {
        return set(...given);
      } finally {
        faked.now = now;
      }
    });
  }
  function lastModified(at) {
    const two = (n) => String(n).padStart(2, "0");
    const d = new Date(at);
    const day = `${two(d.getMonth() + 1)}/${two(d.getDate())}/${d.getFullYear()}`;
    return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  }
  function timers() {
    return clock?.timers;
  }
  function next() {
    let first = null;
    for (const timer of timers()?.values() ?? []) {
      if (first === null || timer.callAt < first) first = timer.callAt;
    }
    return first;
  }
  function turn(turns) {
    return new Promise((resolve) => {
      const { port1, port2 } = new Channel();
      const post = () => apply5(postMessage, port2, [null]);
      port1.onmessage = () => {
        if (--turns > 0) return post();
        port1.close();
        resolve();
      };
      post();
    });
  }
  function move(to) {
    animate();
    try {
      clock?.tick(Math.max(0, to - clock.now));
    } catch (error) {
      reportError(error);
    }
    animate();
  }
  async function run(until, before, later, tardy = false) {
    if (!clock) return [until, null, 0, 0];
    readings?.leave(before);
    animate();
    const to = Math.floor(until);
    let rested = -1;
    for (; ; ) {
      if (readings) hold(readings.latest);
      const frame = timers()?.get(drawn ?? 0);
      if (frame && drawnAt > until) frame.callAt = Math.max(frame.callAt, to + 1);
      const due = next();
      const stop = Math.min(due ?? to, to);
      if (stop - clock.now > PAUSE && rested !== clock.now) {
        rested = clock.now;
        await turn(TURNS);
        continue;
      }
      if (due === null || due > to) break;
      if (tardy && readings?.tardy(due, until)) {
        hold(Math.floor(until) + 1);
        break;
      }
      move(Math.max(due, clock.now + (due <= clock.now ? 1 : 0)));
      await turn(1);
    }
    if (clock.now < to) {
      move(to);
      await turn(1);
    }
    readings?.stay(until, later);
    return [clock.now, next(), readings?.latest ?? 0, readings?.departed ?? 0];
  }
  function tapes(given) {
    recorded = given;
  }
  function hold(until) {
    for (const [number, timer] of timers() ?? []) {
      if (number === drawn) continue;
      timer.every ??= timer.interval;
      timer.beat ??= timer.callAt;
      timer.callAt = Math.max(timer.callAt, Math.floor(until));
      if (timer.every) timer.interval = timer.every - (timer.callAt - timer.beat) % timer.every;
    }
  }
  function resume(at) {
    if (!clock) return;
    const now = Math.max(Math.floor(at), clock.now);
    const waiting = [...timers()?.values() ?? []].map((timer) => ({ timer, due: timer.callAt }));
    clock.setSystemTime(now);
    for (const { timer, due } of waiting) timer.callAt = Math.max(due, now);
  }
  function work(now, salt) {
    const scope = globalThis;
    for (const name of ["setTimeout", "clearTimeout", "setInterval", "clearInterval"]) scope[name] ??= () => {
    };
    start(now);
    messages = countMessages();
    if (salt !== null) seeded(salt);
  }
  async function turnOnce() {
    await turn(1);
    return messages();
  }
  var api = {
    tapes,
    start,
    run,
    hold: (to) => hold(Math.floor(to) + 1),
    resume,
    work,
    turn: turnOnce
  };
  Object.defineProperty(globalThis, "__reenactClock", { value: api, configurable: true });
})();
