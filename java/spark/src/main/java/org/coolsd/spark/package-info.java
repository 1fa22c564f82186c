/**
 * Images of many requests on a cluster of Apache Spark: docs/spark.md. No module, as Spark's jars have no names that modules may
 * have; it is used from the class path.
 *
 * @stability evolving
 */
package org.coolsd.spark;
